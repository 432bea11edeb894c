"""Streaming inference.

Engines that turn SMILES bytes into scores, on a processor or a device, and what they count on the way. They
take a network's weights, and know neither training nor shards.
"""
