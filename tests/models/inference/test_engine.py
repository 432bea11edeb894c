"""Which engine scores: chosen or refused, kept for the next shard, thrown away when broken."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from docksieve.data.errors import ModelError
from docksieve.models.devices.device import DeviceError
from docksieve.models.inference.device_check import (
    difference,
    exact_scores,
    trial_molecules,
)
from docksieve.models.inference.device_network import DeviceNetwork, chosen_path
from docksieve.models.inference.engine import open_engine, release
from docksieve.models.students.student import StudentScorer

from .cpu_engine import CPU, MakeStudent

pytestmark = pytest.mark.usefixtures("small_blocks")


def test_paths_are_chosen_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chosen_path("auto", CPU, 128) == "kernel"
    assert chosen_path("torch", CPU, 128) == "torch"
    gpu = torch.device("cuda")
    with pytest.raises(ModelError, match="runs on the CPU"):
        chosen_path("kernel", gpu, 128)
    with pytest.raises(ModelError, match="unknown"):
        chosen_path("quick", gpu, 128)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    with pytest.raises(ModelError, match=r"needs triton|TRITON_INTERPRET"):
        chosen_path("fused", CPU, 128)
    monkeypatch.setattr("docksieve.models.inference.device_network.fused_available", lambda: False)
    assert chosen_path("auto", gpu, 128) == "torch"
    with pytest.raises(ModelError, match="needs triton"):
        chosen_path("fused", gpu, 128)


def test_scorers_take_a_path(make_student: MakeStudent) -> None:
    student, strings = make_student(width=16, buckets=256), trial_molecules(120)
    with StudentScorer(student, threads=3) as kernel, StudentScorer(student, path="torch") as twin:
        np.testing.assert_allclose(twin.score(strings), kernel.score(strings), rtol=1e-4, atol=1e-4)


def test_an_engine_is_kept_for_the_next_shard_of_the_same_student(make_student: MakeStudent) -> None:
    student, strings = make_student(width=16, buckets=256), trial_molecules(60)
    first = open_engine(student, path="torch", best_count=4)
    first.result(first.submit(strings, np.arange(60)))
    release(first)
    again = open_engine(student, path="torch", best_count=4)
    assert again is first and again.tally().histogram.sum() == 0 and again.busy_seconds == 0
    beside = open_engine(student, path="torch", best_count=4)
    assert beside is not again  # in use
    ticket = beside.submit(strings, np.arange(60))
    release(beside)  # with work under way
    release(again)
    other = open_engine(make_student(width=16, buckets=256, seed=1), path="torch", best_count=4)
    assert other not in (again, beside) and ticket is not None
    assert not again.healthy


def test_a_broken_engine_is_not_kept(make_student: MakeStudent, monkeypatch: pytest.MonkeyPatch) -> None:
    student, strings = make_student(width=16, buckets=256), trial_molecules(60)
    engine = open_engine(student, path="torch")
    with monkeypatch.context() as patch, pytest.raises(DeviceError):
        patch.setattr(DeviceNetwork, "scores", None)
        engine.submit(strings, np.arange(60))
    release(engine)
    afresh = open_engine(student, path="torch")
    assert afresh is not engine
    assert (
        difference(afresh.result(afresh.submit(strings, np.arange(60))), exact_scores(student, strings))
        < 1e-3
    )
