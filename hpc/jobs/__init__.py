"""What schedulers say of jobs, and a campaign's blocks found again.

No scheduler is given new work here.
"""
