"""One compute node: its report, its devices and whether they are what was asked for, processes that share a task.

Started by batch jobs, so imports stay few.
"""
