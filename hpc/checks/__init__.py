"""Looking before leaping: preflight of a site, batch scripts shown without being submitted, one tiny job per pool.

Nothing here runs a campaign's work.
"""
