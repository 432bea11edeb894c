from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch
from docksieve.models.devices import device as devices
from docksieve.models.devices.device import Meter, checked_device, describe_device
from docksieve.models.settings import StudentSettings
from docksieve.models.students.accounting import ScreenResult, roofline, work


def _result(encode: float) -> ScreenResult:
    seconds = {"read": 1.0, "encode": encode, "model": 4.0, "write": 1.0, "total": 10.0}
    used = {"held_seconds": 10.0, "cpu_seconds": 20.0, "busy_seconds": 5.0, "energy_joules": None}
    return ScreenResult(100, 0, 100, seconds, 10, 20, {"kind": "cpu"}, used=used)


def test_three_rates_are_told_apart() -> None:
    assert _result(1.0).rates == {
        "model_only": 25.0, "model_and_features": 20.0, "end_to_end": 10.0, "per_busy_second": 20.0,
        "per_held_second": 10.0, "per_cpu_second": 5.0,
    }  # fmt: skip
    assert _result(0.0).rates["model_only"] is None  # features and model in one program: not told apart
    assert _result(1.0).accounts()["used"]["energy_joules"] is None


def test_work_of_a_molecule_by_hand() -> None:
    settings = StudentSettings(ngram=2, buckets=64, width=8, layers=2)
    # 10 bytes: 10 runs of one and 9 of two.
    kernel = work(settings, 2, 10, 12, "kernel", half=False)
    assert kernel.hash_operations == 8 * 19
    assert kernel.operations == 2 * 12 * 8 + 2 * 8 * 8 + 2 * 8 * 2 + 6 * 8 * 2
    assert (kernel.table_bytes, kernel.device_bytes, kernel.link_bytes) == (12 * 8 * 4, 0, 0)
    fused = work(settings, 2, 10, 12, "fused", half=True)
    assert fused.table_bytes == 19 * 8 * 2 and fused.link_bytes == 10 + 16 + 8
    torch = work(settings, 2, 10, 12, "torch", half=True)
    assert torch.operations - kernel.operations == 2 * (64 - 12) * 8 and torch.table_bytes == 0
    assert work(settings, 2, 1, 1, "kernel", half=False).hash_operations == 8


def test_roofline_names_the_share_of_each_limit() -> None:
    needs = work(StudentSettings(), 2, 44, 190, "kernel", half=False)
    found = roofline(needs, 1000.0, {"operations": needs.operations * 4000, "link_bytes": 1e9})
    assert set(found) == {"operations"}
    assert found["operations"]["allows"] == pytest.approx(4000) and found["operations"][
        "reached"
    ] == pytest.approx(0.25)


def test_a_meter_on_the_cpu() -> None:
    meter = Meter(checked_device("cpu"))
    sum(range(200_000))
    used = meter.read()
    assert used["held_seconds"] > 0 and used["cpu_seconds"] > 0 and used["energy_joules"] is None
    assert used["device_peak_bytes"] == 0 and used["host_peak_bytes"] > 1e6
    assert describe_device("cpu", 3)["threads"] == 3


def test_energy_is_asked_of_the_device_that_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Nvml:
        NVMLError = type("NVMLError", (Exception,), {})
        nvmlInit = staticmethod(lambda: None)
        nvmlDeviceGetHandleByUUID = staticmethod(lambda uuid: asked.append(uuid) or "handle")
        nvmlDeviceGetTotalEnergyConsumption = staticmethod(lambda handle: 12_500)

    monkeypatch.setitem(sys.modules, "pynvml", Nvml)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="12-34"))
    assert devices._joules(torch.device("cuda")) == 12.5
    assert asked == [b"GPU-12-34"]
    Nvml.nvmlDeviceGetTotalEnergyConsumption = staticmethod(
        lambda handle: (_ for _ in ()).throw(Nvml.NVMLError())
    )
    assert devices._joules(torch.device("cuda")) is None
    monkeypatch.setitem(sys.modules, "pynvml", None)  # not installed
    assert devices._joules(torch.device("cuda")) is None
    assert devices._joules(torch.device("cpu")) is None
