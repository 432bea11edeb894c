"""The command line in this process, or in one of its own where the process is the point."""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

from docksieve.workflows.cli.main import main

Done = subprocess.CompletedProcess[str]


def run(*arguments: str | Path, cwd: Path | None = None) -> Done:
    """Run ``docksieve`` as its entry point does, without starting Python anew."""
    words = ["docksieve", *map(str, arguments)]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    handler, code = signal.getsignal(signal.SIGINT), 0
    try:
        with (
            mock.patch.object(sys, "argv", words),
            contextlib.chdir(cwd or Path.cwd()),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        signal.signal(signal.SIGINT, handler)
    said = [stream.buffer.getvalue().decode() for stream in (out, err)]  # type: ignore[attr-defined]
    return Done(words, code, *said)


def run_process(*arguments: str | Path, cwd: Path | None = None) -> Done:
    """Run ``python -m docksieve``."""
    command = [sys.executable, "-m", "docksieve", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
