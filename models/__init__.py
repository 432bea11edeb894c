"""Arrays and molecules in, predictions out: features, networks, training, bundles, inference."""
