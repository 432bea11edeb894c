"""Model bundles: weights as safetensors and a JSON card, written and read, and nothing executed.

Imported by whoever saves or loads a model; knows every kind of model, and none knows it.
"""
