"""Site presets, one TOML file each; no code."""
