"""Running a campaign.

Submission, the pipeline of stages, the engines that run tasks here or on a site, what is watched meanwhile.
"""
