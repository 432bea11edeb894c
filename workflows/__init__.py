"""The story: campaign configuration, tasks, ledger, campaign loop, retraining, command line."""
