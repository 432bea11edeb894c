"""Dask on a site: a cluster for work on data, and its jobs.

Inference and docking run on Parsl (hpc.parsl_workers).
"""
