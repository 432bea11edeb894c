"""Mends white space at the end of lines and files; refuses conflict marks. Used by .pre-commit-config.yaml.

python .ci/whitespace.py FILE ...     exit code 1 if a file was mended or holds a conflict mark
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

CONFLICT = re.compile(r"^(<<<<<<< |>>>>>>> )", re.M)


def main(names: list[str]) -> int:
    """Mend the files, and return 1 if there was anything to mend."""
    wrong = 0
    for path in map(Path, names):
        before = path.read_bytes().decode("utf-8")
        after = re.sub(r"[ \t\r]+$", "", before, flags=re.M).rstrip("\n") + "\n" if before.strip() else ""
        if after != before:
            path.write_bytes(after.encode("utf-8"))
            print(f"{path}: white space was mended")
            wrong = 1
        if CONFLICT.search(after):
            print(f"{path}: holds a conflict mark")
            wrong = 1
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
