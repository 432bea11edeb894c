"""Reads TOML and JSON files, and names those that cannot be read. Used by .pre-commit-config.yaml."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path


def main(names: list[str]) -> int:
    """Return 1 if a file cannot be read."""
    wrong = 0
    for path in map(Path, names):
        try:
            (tomllib if path.suffix == ".toml" else json).loads(path.read_text(encoding="utf-8"))
        except (ValueError, UnicodeDecodeError) as error:
            print(f"{path}: {error}")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
