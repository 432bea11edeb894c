"""The proof of a device that is none: for rehearsing a site on a cluster whose devices are only names.

It says who it is as a device would, by its node and number, and computes on the processor.
``DOCKSIEVE_PRETEND_BROKEN="n1/2 n2/0"`` breaks the third device of node ``n1`` and the first of ``n2``.
"""

from __future__ import annotations

import json
import os

from .names import VISIBLE, node_name


def main() -> None:
    """Print the proof as one line of JSON."""
    device = os.environ.get(VISIBLE["pretend"], "")
    name = f"{node_name()}/{device}"
    right = sum(k * k for k in range(1000)) == 332833500
    error = "" if right else "computes wrongly"
    if not device:
        error = "no device was given"
    elif name in os.environ.get("DOCKSIEVE_PRETEND_BROKEN", "").split():
        error = "is broken on purpose (DOCKSIEVE_PRETEND_BROKEN)"
    print(json.dumps({"uuid": f"PRETEND-{name}", "model": "no device, a pretended one", "error": error}))


if __name__ == "__main__":
    main()
