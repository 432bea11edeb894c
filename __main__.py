"""``python -m docksieve``: the command line."""

from __future__ import annotations

from .workflows.cli.main import main

if __name__ == "__main__":
    main()
