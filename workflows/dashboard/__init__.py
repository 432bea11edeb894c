"""The live page: a server on loopback, who may see it, and its answers.

Figures come from workflows.progress and workflows.hits.
"""
