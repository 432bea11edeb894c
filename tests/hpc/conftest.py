"""What tests of sites share: what presets ask of their user, and a login node that has every network."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docksieve.hpc.sites.read import load_site, preset_names
from docksieve.hpc.sites.site import SCHEDULERS, Site

GIVEN: Mapping[str, Mapping[str, Any]] = {
    "slurm": {"pool.cpu.cores": 64},
    "pbspro": {"pool.cpu.cores": 64},
    "lsf": {"pool.cpu.cores": 64},
    **{
        f"{scheduler}-gpu": {
            "pool.cpu.cores": 64,
            "pool.gpu.cores": 32,
            "pool.gpu.gpus": 4,
            "pool.gpu.nodes": 2,
            "queue": "any",
            "account": "abc123",
        }
        for scheduler in SCHEDULERS
    },
}
"""What the user of a preset gives; of a named machine the account."""
WITHOUT_SCHEDULER = ("allocation", "inline", "local")
CLUSTERS = sorted({*preset_names()} - {*WITHOUT_SCHEDULER})
ADDRESS = "10.1.2.3"


def preset(name: str, **more: Any) -> Site:
    """Return a preset with what it asks of its user."""
    return load_site(name, {**GIVEN.get(name, {"account": "abc123"}), **more})


@pytest.fixture
def every_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this machine have every network interface, each with the address 10.1.2.3."""
    from docksieve.hpc.parsl_workers import config as parsl_config

    names = ("hsn0", "ib0", "ens3f0", "eth6.560", "lo")
    address = SimpleNamespace(family=socket.AF_INET, address=ADDRESS)
    monkeypatch.setattr(parsl_config.psutil, "net_if_addrs", lambda: dict.fromkeys(names, (address,)))
    monkeypatch.setattr(parsl_config, "address_by_hostname", lambda: ADDRESS)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Return a function that puts a shell script on PATH; ``$LOG`` in it is the file that the function returns."""
    folder = tmp_path / "programs"
    folder.mkdir()
    log = tmp_path / "said.txt"
    log.touch()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("LOG", str(log))

    def put(name: str, body: str) -> Path:
        path = folder / name
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)
        return log

    return put
