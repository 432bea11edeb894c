"""The science of choosing.

Docking engines and receptors, acquisition, cuts, metrics, ranking, and questions about hits. Receives
predictions, not models, and knows nothing of where it runs.
"""
