"""Students: distilled from a teacher's labels, judged for fidelity, and applied to the shards of a library.

What a network computes is in models.network, how fast in models.inference.
"""
