"""A real browser, and a campaign with real poses to look at."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from docksieve.data.libraries.build import build_library
from docksieve.data.libraries.settings import IngestSettings
from docksieve.workflows.running.submit import submit

ACYLS = ["C", "c1ccccc1", "c1ccncc1", "c1ccc2ccccc2c1", "Cc1ccccc1", "c1ccc(F)cc1", "c1ccsc1", "C1CCOCC1"]
ACYLS += ["c1ccco1", "c1ccc2[nH]ccc2c1", "C1CC1", "CCC", "c1ccc(OC)cc1", "C1CCCCC1"]
AMINES = ["NCc1ccccc1", "N1CCOCC1", "NC1CCCCC1", "Nc1ccccc1", "NCCc1ccccc1", "NCc1ccncc1", "Nc1ccc(F)cc1"]
AMINES += ["NCCO", "Nc1nccs1", "NCCN(C)C", "N1CCC(O)CC1", "NCc1ccc(Cl)cc1"]
HOSTILE = [
    "<script>document.title='taken'</script>",
    '"><img/src=x/onerror=document.title="taken">',
    "=HYPERLINK(0,1)",
    "O'Neill--;/*",
    "\u202egnorw\u202c",
]
CAMPAIGN = """\
[campaign]
name = "looked-at"
seed = 3

[library]
path = "library"

[targets.EGFR]
engine = "vina"
receptor = "dockstring:EGFR"
box_size = 20.0
search = { exhaustiveness = 1, max_evals = 500 }
final_search = { exhaustiveness = 2, max_evals = 1000 }
final_conformers = 1

[start]
molecules = 24

[rounds]
count = 1
labels = 100
keep = 0.5
dock = 8

[final]
molecules = 4

[student]
width = 16
buckets = 256
epochs = 3

[run]
dock_batch = 8
threads = 1
"""

FLAGS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
"""WebGL without a graphics card."""


def find_browser() -> str | None:
    """Return a Chromium: $CHROMIUM, one on PATH, or Playwright's own."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    return None


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium; without one, or without Playwright: skip, and say so.

    For one file at a time: while Playwright is there, it has an event loop running, which Dask would take for its own.
    """
    api = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is not installed: no test in a browser"
    )
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=find_browser(), args=flags)
        except api.Error as error:
            pytest.skip(f"no Chromium (set $CHROMIUM to one): {str(error).splitlines()[0]}")
        yield started
        started.close()


@dataclass
class Visit:
    """A page, and what happened on it."""

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def strangers(self, *allowed: str) -> list[str]:
        """Requests to anything but the given beginnings."""
        return [url for url in self.requests if not url.startswith((*allowed, "blob:", "data:"))]

    def too_wide(self) -> int:
        """Pixels by which the page is wider than the window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth"))


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Return a function that opens a window of its own, and notes errors and requests."""
    opened = []

    def open_window(width: int = 1280, height: int = 900, **settings: Any) -> Visit:
        context = browser.new_context(viewport={"width": width, "height": height}, **settings)
        context.set_default_timeout(60_000)
        opened.append(context)
        found = Visit(context.new_page())
        found.page.on(
            "console",
            lambda said: found.errors.append(said.text) if said.type in ("error", "warning") else None,
        )
        found.page.on("pageerror", lambda error: found.errors.append(str(error)))
        found.page.on("request", lambda request: found.requests.append(request.url))
        return found

    yield open_window
    for context in opened:
        context.close()


@pytest.fixture(scope="session")
def docked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished campaign: 168 amides, some with hostile ids, docked to EGFR in a hurry."""
    folder = tmp_path_factory.mktemp("looked-at")
    smiles = [f"O=C({acyl}){amine}" for acyl in ACYLS for amine in AMINES]
    names = [
        HOSTILE[index % len(HOSTILE)] + str(index) if index % 2 else f"M{index}"
        for index in range(len(smiles))
    ]
    lines = "".join(f"{text}\t{name}\n" for text, name in zip(smiles, names, strict=True))
    (folder / "in.smi").write_text(lines, encoding="utf-8")
    build_library(folder / "library", [folder / "in.smi"], IngestSettings(), workers=1, progress=False)
    (folder / "campaign.toml").write_text(CAMPAIGN)
    return submit(folder / "campaign.toml", "inline").root


@dataclass
class Served:
    """A dashboard that runs."""

    process: subprocess.Popen[str]
    url: str
    said: list[str]

    @property
    def home(self) -> str:
        """The address without the token."""
        return self.url.partition("?")[0]

    def link_again(self, root: Path) -> str:
        """The link as `--link` prints it."""
        command = [sys.executable, "-m", "docksieve", "dashboard", str(root), "--link"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def serve(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Served]]:
    """Return a function that runs `docksieve dashboard` as a user does, with a home of its own for the link."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    running: list[subprocess.Popen[str]] = []

    def start(root: Path, *options: str) -> Served:
        command = [
            sys.executable,
            "-m",
            "docksieve",
            "dashboard",
            str(root),
            *(options or ("--port", "0")),
        ]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        said: list[str] = []
        while not said or "Ctrl-C" not in said[-1]:
            line = process.stdout.readline()
            assert line, process.stderr.read() if process.stderr else ""
            said.append(line)
        return Served(
            process, next(u for text in said for u in re.findall(r"http://\S+token=\S+", text)), said
        )

    yield start
    for process in running:
        process.terminate()
        process.wait(10)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
