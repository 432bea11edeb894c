"""Where it runs: sites, schedulers, nodes and devices, Parsl and Dask configurations.

Knows no molecule, model or campaign.
"""
