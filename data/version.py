"""The version of the package: written into bundles, receipts and campaigns."""

__version__ = "0.1.0"
