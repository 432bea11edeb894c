"""Site presets, one TOML file each."""
