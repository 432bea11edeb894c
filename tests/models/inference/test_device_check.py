"""A device is believed when it computes and counts as the exact scores do, and refused otherwise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from docksieve.models.devices.device import DeviceError
from docksieve.models.inference import device_engine
from docksieve.models.inference.device_check import (
    SINGLE_TOLERANCE,
    check,
    check_tally,
    difference,
    trial_molecules,
)
from docksieve.models.inference.device_engine import DeviceEngine
from docksieve.models.inference.device_network import DeviceNetwork
from docksieve.models.inference.score_tally import ScoreTally

from .cpu_engine import CPU, MakeStudent, cpu_engine, scores_of


@pytest.mark.parametrize(
    "fault", [lambda x: x + 0.1, lambda x: x[torch.randperm(len(x))], lambda x: x * float("nan")]
)
def test_a_device_that_computes_wrongly_is_refused(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch, fault
) -> None:
    original = DeviceNetwork.outputs
    monkeypatch.setattr(DeviceNetwork, "outputs", lambda self, values: fault(original(self, values)))
    student = make_student(width=16, buckets=256)
    with pytest.raises(DeviceError, match="scores molecules differently"):
        cpu_engine(student, checked=200)


def test_a_device_that_counts_wrongly_is_refused(
    make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device_engine.DeviceTally, "add_to", lambda self, tally, padding: None)
    with pytest.raises(DeviceError, match="counts scores wrongly"):
        cpu_engine(make_student(width=16, buckets=256), checked=200)


def test_a_good_device_is_believed_and_counts_afresh(make_student: MakeStudent) -> None:
    student = make_student(targets=3, width=32, buckets=1024)
    engine = DeviceEngine(student, CPU, "torch", best_count=10, rows=300)
    assert engine.deviation < SINGLE_TOLERANCE and engine.busy_seconds == 0
    assert engine.tally().histogram.sum() == 0
    strings = trial_molecules(77)
    assert check(student, scores_of(engine, strings), strings, False, "cpu") < SINGLE_TOLERANCE
    assert engine.busy_seconds > 0 and engine.tally().histogram.sum() == 3 * 77


def test_difference_sees_what_matters() -> None:
    truth = np.random.default_rng(0).normal(-8, 2, (1000, 1))
    assert difference(truth.astype(np.float32), truth) < 1e-6
    assert difference((truth + 0.2).astype(np.float32), truth) == pytest.approx(0.1, rel=0.1)
    gap = truth.copy()
    gap[3] = np.nan
    assert difference(truth.astype(np.float32), gap) == np.inf
    assert difference(np.zeros((0, 1), np.float32), np.zeros((0, 1))) == 0


def test_the_tally_check_sees_one_row(make_student: MakeStudent) -> None:
    values = np.random.default_rng(0).normal(size=(50, 1)).astype(np.float32)
    tally = ScoreTally("a", (True,), 5)
    tally.add(np.arange(50), values)
    check_tally(tally, np.arange(50), values, "cpu")
    with pytest.raises(DeviceError, match="counts"):
        check_tally(tally, np.arange(50), np.roll(values, 1), "cpu")
