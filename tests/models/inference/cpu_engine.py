"""The device's engine on the processor, for tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from docksieve.models.inference.device_engine import DeviceEngine
from docksieve.models.network.ngrams import StringBatch
from docksieve.models.students.student import Student

CPU = torch.device("cpu")


MakeStudent = Callable[..., Student]


def cpu_engine(student: Student, **more) -> DeviceEngine:
    return DeviceEngine(student, CPU, **{"path": "torch", "rows": 64, "checked": 0, **more})


def scores_of(engine: DeviceEngine, strings: StringBatch) -> np.ndarray:
    return engine.result(engine.submit(strings, np.arange(len(strings))))
