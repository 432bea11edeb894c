"""Nodes by the scheduler's name, and pretended devices that say who they are."""

from __future__ import annotations

import json
import os

import pytest
from docksieve.hpc.nodes import pretend_proof
from docksieve.hpc.nodes.names import VISIBLE, node_name


def test_a_node_is_called_as_its_scheduler_calls_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURMD_NODENAME", raising=False)
    assert node_name() == os.uname().nodename
    monkeypatch.setenv("SLURMD_NODENAME", "n7")
    assert node_name() == "n7"


@pytest.mark.parametrize(
    ("device", "broken", "error"),
    [
        ("2", "", ""),
        ("2", "n1/0 n7/1", ""),
        ("2", "n1/0 n7/2", "is broken on purpose (DOCKSIEVE_PRETEND_BROKEN)"),
        ("", "", "no device was given"),
    ],
)
def test_a_pretended_device_proves_itself(
    device: str, broken: str, error: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLURMD_NODENAME", "n7")
    monkeypatch.setenv(VISIBLE["pretend"], device)
    monkeypatch.setenv("DOCKSIEVE_PRETEND_BROKEN", broken)
    pretend_proof.main()
    assert json.loads(capsys.readouterr().out) == {
        "uuid": f"PRETEND-n7/{device}",
        "model": "no device, a pretended one",
        "error": error,
    }
