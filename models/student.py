"""Students: small networks that score SMILES bytes, hundreds of thousands a second on one core."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..data.errors import ModelError
from .networks import StudentModule, Weights, forward
from .ngrams import StringBatch, encode
from .prediction import HeldOut, Prediction
from .settings import StudentSettings

BLOCK = 1_024
"""Molecules encoded and scored at once on the CPU: their bags stay in the processor's cache."""

DEVICE_BLOCK = 16_384
"""The same on another device, where few large steps are better."""


class Student:
    """A distilled student.

    Attributes
    ----------
    weights : Weights
    settings : StudentSettings
    targets : tuple of str
    lower_is_better : tuple of bool
    report : dict
        Fidelity to the teacher on molecules it did not see, and how training went.
    data_sha256 : str
        Hash of the labels it learned from.
    seed : int
    held_out : HeldOut or None
        Labels that neither training nor early stopping saw; a student loaded from a bundle does not know them.
    """

    kind = "student"
    held_out: HeldOut | None = None

    def __init__(
        self,
        weights: Weights,
        settings: StudentSettings,
        targets: Sequence[str],
        lower_is_better: Sequence[bool],
        report: Mapping[str, Any],
        data_sha256: str,
        seed: int,
    ) -> None:
        self.weights = weights
        self.settings = settings
        self.targets = tuple(targets)
        self.lower_is_better = tuple(bool(value) for value in lower_is_better)
        self.report = dict(report)
        self.data_sha256 = data_sha256
        self.seed = seed

    @property
    def outputs(self) -> int:
        """Columns that :meth:`StudentScorer.score` returns: means, then spreads if it has them."""
        return len(self.targets) * (2 if self.settings.spread else 1)

    def predict(self, smiles: Sequence[str | None], threads: int = 1, device: str = "cpu") -> Prediction:
        """Return predictions for ``smiles``, one row each, in order; spread is NaN where it was not distilled.

        On the CPU a molecule's prediction is the same to the bit in any company and with any ``threads``.
        """
        scorer = StudentScorer(self, threads, device)
        values = scorer.score(StringBatch.from_strings(smiles))
        count = len(self.targets)
        spread = (
            values[:, count:] if self.settings.spread else np.full((len(values), count), np.nan, np.float32)
        )
        return Prediction(np.ascontiguousarray(values[:, :count]), np.ascontiguousarray(spread))


class StudentScorer:
    """A student made ready on a device; keeps count of where the time goes.

    Parameters
    ----------
    student : Student
    threads : int
        Of the CPU (on another device: for the encoding alone).
    device : str
        ``cpu``, or what torch calls another one (``cuda``, ``cuda:1``).

    Attributes
    ----------
    seconds : dict of str to float
        ``encode`` and ``model``: busy seconds added up over threads, divided by their number.

    Raises
    ------
    ModelError
        If the device is not there. There is no silent fall-back to the CPU.
    """

    def __init__(self, student: Student, threads: int = 1, device: str = "cpu") -> None:
        self.student = student
        self.threads = max(1, threads)
        self.device = _checked_device(device)
        self.seconds = {"encode": 0.0, "model": 0.0}
        self._module: StudentModule | None = None
        if self.device.type != "cpu":
            settings = student.settings
            module = StudentModule(settings.buckets, settings.width, settings.layers, student.outputs)
            self._module = module.load(student.weights).eval().to(self.device)
            self._floor = torch.from_numpy(student.weights.floor).to(self.device)

    def score(self, strings: StringBatch) -> NDArray[np.float32]:
        """Return the outputs of ``strings``, shape (n, outputs); NaN rows for nulls and empty strings."""
        output = np.empty((len(strings), self.student.outputs), np.float32)
        bounds = np.linspace(0, len(strings), self.threads + 1).astype(int)
        parts = list(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True))
        if self.threads == 1 or len(strings) < 2 * BLOCK:
            spent = [self._part(strings, output, 0, len(strings))]
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                spent = list(pool.map(lambda part: self._part(strings, output, *part), parts))
        for index, stage in enumerate(("encode", "model")):
            self.seconds[stage] += sum(part[index] for part in spent) / len(spent)
        output[~strings.valid] = np.nan
        return output

    def _part(
        self, strings: StringBatch, output: NDArray[np.float32], start: int, stop: int
    ) -> tuple[float, float]:
        settings = self.student.settings
        encoding = modelling = 0.0
        step = BLOCK if self._module is None else DEVICE_BLOCK
        for first in range(start, stop, step):
            last = min(first + step, stop)
            begun = time.perf_counter()
            bags = encode(strings.rows(first, last), settings.ngram, settings.buckets)
            encoded = time.perf_counter()
            if self._module is None:
                output[first:last] = forward(self.student.weights, bags)
            else:
                output[first:last] = self._on_device(bags.buckets, bags.offsets, bags.weights)
            encoding += encoded - begun
            modelling += time.perf_counter() - encoded
        return encoding, modelling

    def _on_device(self, *bag: NDArray[Any]) -> NDArray[np.float32]:
        assert self._module is not None
        with torch.inference_mode():
            buckets, offsets, weights = (torch.from_numpy(array).to(self.device) for array in bag)
            values = self._module(buckets.long(), offsets, weights)
            result: NDArray[np.float32] = torch.maximum(values, self._floor).cpu().numpy()
        return result


def _checked_device(name: str) -> torch.device:
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ModelError(f"{name!r} is not a device: {error}.", "Use 'cpu' or 'cuda'.") from None
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise ModelError(
                f"The device {name!r} was asked for, but torch {torch.__version__} sees {count} CUDA devices.",
                "Ask for 'cpu', or start the worker where the GPU and a CUDA build of torch are.",
            )
    elif device.type != "cpu":
        raise ModelError(f"The device {name!r} is not supported.", "Use 'cpu' or 'cuda'.")
    return device


def describe_device(device: str, threads: int) -> dict[str, Any]:
    """Return kind, name, uuid and threads of ``device``, for receipts."""
    checked = _checked_device(device)
    if checked.type == "cpu":
        return {"kind": "cpu", "name": _processor_name(), "uuid": "", "threads": threads}
    properties = torch.cuda.get_device_properties(checked)
    return {"kind": "cuda", "name": properties.name, "uuid": str(properties.uuid), "threads": threads}


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as handle:  # noqa: PTH123 -- not a file of ours
            names = [line.split(":", 1)[1].strip() for line in handle if line.startswith("model name")]
        return names[0] if names else "unknown"
    except OSError:
        return "unknown"
