"""Building blocks and reactions that come with the package."""
