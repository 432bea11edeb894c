"""A campaign on disk.

Its folder, its beginning, its ledger of plans and receipts, who drives it, the source models it was given. No
task is run here.
"""
