"""Arrays and molecules in, predictions out: features, networks, training, bundles, inference.

Knows nothing of docking programs, sites and campaigns. The modules beside this file are what all kinds of
model share.
"""
