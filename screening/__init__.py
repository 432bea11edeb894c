"""The science of choosing: ranking, acquisition, docking engines, metrics, hits."""
