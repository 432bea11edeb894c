"""Whole campaigns on a real Slurm: the same hits as on one machine, and every device owned once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa


def test_two_nodes_of_four_devices_give_the_hits_of_one_machine(
    slurm: Any, campaign: Any, expected: pa.Table, make_site: Callable[..., Path]
) -> None:
    campaign.submit(
        make_site(
            ("nodes = 1\nblocks = 1\ncores = 4\ngpus = 2", "nodes = 2\nblocks = 1\ncores = 4\ngpus = 4")
        )
    )
    assert campaign.finish().equals(expected)
    reports = campaign.nodes("gpu")
    assert len({report["node"] for report in reports}) == 2
    devices = [device for report in reports for device in report["devices"]]
    assert len(devices) == len({device["uuid"] for device in devices}) == 8
    assert not any(device["error"] for device in devices)
    used = {
        receipt["device"]["uuid"]
        for number in (1, 2)
        for receipt in campaign.receipts(f"round-{number:02d}/screen")
    }
    assert used and used <= {device["uuid"] for device in devices}
    slurm.wait(lambda: not slurm.jobs(), 20, "blocks to be given back")
