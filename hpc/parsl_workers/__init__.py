"""Parsl on a site: configurations, providers, launchers, the interchange and the job that holds a driver.

Sites themselves are described in hpc.sites.
"""
