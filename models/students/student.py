"""Students: small networks that score SMILES bytes, hundreds of thousands a second on one core."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inference.engine import open_engine, release
from ..network.network import StudentNetwork, Weights
from ..network.ngrams import StringBatch
from ..prediction import HeldOut, Prediction
from ..settings import StudentSettings


class Student(StudentNetwork):
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

    Examples
    --------
    >>> student = docksieve.load_bundle("campaign/models/round-02/student")
    >>> alone = student.predict(["O=C(NCc1ccccc1)c1ccccc1"]).mean
    >>> beside = student.predict(["CCO", "O=C(NCc1ccccc1)c1ccccc1"]).mean
    >>> bool((alone[0] == beside[1]).all())  # to the bit
    True
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
        super().__init__(weights, settings, targets, lower_is_better)
        self.report = dict(report)
        self.data_sha256 = data_sha256
        self.seed = seed

    def predict(self, smiles: Sequence[str | None], threads: int = 1, device: str = "cpu") -> Prediction:
        """Return predictions, one row per SMILES, in order.

        On the CPU a molecule's prediction is the same to the bit in any company and with any ``threads``.

        Parameters
        ----------
        smiles : sequence of str or None, length n
            Standard SMILES (:func:`standard_smiles`); another spelling of a molecule has another score.
        threads : int
            Of the CPU.
        device : str
            ``cpu``, or what torch calls another one (``cuda``, ``cuda:1``).

        Returns
        -------
        Prediction
            In score units, arrays of shape (n, targets); NaN for nulls and empty strings. ``spread`` is NaN where
            it was not distilled.

        Raises
        ------
        ModelError
            If the device is not there.
        """
        with StudentScorer(self, threads, device) as scorer:
            values = scorer.score(StringBatch.from_strings(smiles))
        count = len(self.targets)
        spread = (
            values[:, count:] if self.settings.spread else np.full((len(values), count), np.nan, np.float32)
        )
        return Prediction(np.ascontiguousarray(values[:, :count]), np.ascontiguousarray(spread))


class StudentScorer:
    """A student made ready on a device, to score strings in memory.

    Parameters
    ----------
    student : Student
    threads : int
        Of the CPU.
    device : str
        ``cpu``, or what torch calls another one (``cuda``, ``cuda:1``).
    path : str
        See :func:`docksieve.models.inference.engine.open_engine`.

    Attributes
    ----------
    engine : Engine

    Raises
    ------
    ModelError
        If the device is not there. There is no silent fall-back to the CPU.
    """

    def __init__(self, student: Student, threads: int = 1, device: str = "cpu", path: str = "auto") -> None:
        self.student = student
        self.engine = open_engine(student, threads, device, path)
        self._threads = max(1, threads)

    def score(self, strings: StringBatch) -> NDArray[np.float32]:
        """Return the outputs of ``strings``, shape (n, outputs); NaN rows for nulls and empty strings."""
        output = np.empty((len(strings), self.student.outputs), np.float32)
        step = max(1, min(self.engine.batch_rows, -(-len(strings) // self._threads)))
        waiting: deque[tuple[int, Any]] = deque()

        def take() -> None:
            start, ticket = waiting.popleft()
            output[start : start + step] = self.engine.result(ticket)

        for start in range(0, len(strings), step):
            stop = min(start + step, len(strings))
            waiting.append((start, self.engine.submit(strings.rows(start, stop), np.arange(start, stop))))
            if len(waiting) > self.engine.depth:
                take()
        while waiting:
            take()
        return output

    def close(self) -> None:
        """Give threads and memory back."""
        release(self.engine)

    def __enter__(self) -> StudentScorer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
