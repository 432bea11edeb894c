"""Devices: which one is meant, whether it is there, what it is called, what it used."""

from __future__ import annotations

import contextlib
import importlib
import resource
import sys
import time
from typing import Any

import torch

from ...data.errors import ModelError

KINDS = ("cpu", "cuda", "xpu")
"""What torch calls them; AMD's devices answer to ``cuda``."""


class DeviceError(ModelError):
    """A device failed at work, or computes something else than the CPU does.

    What was asked of it can be asked of another: nothing of it was written.

    Examples
    --------
    >>> issubclass(docksieve.DeviceError, docksieve.ModelError)
    True
    >>> docksieve.DeviceError.retryable  # the task is tried again elsewhere
    True
    """

    retryable = True


def checked_device(name: str) -> torch.device:
    """Return the device called ``name``.

    Raises
    ------
    ModelError
        If it is none, or is not there. There is no silent fall-back to the CPU.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ModelError(f"{name!r} is not a device: {error}.", "Use 'cpu' or 'cuda'.") from None
    if device.type not in KINDS:
        raise ModelError(f"The device {name!r} is not supported.", "Use 'cpu' or 'cuda'.")
    if device.type != "cpu":
        module = torch.get_device_module(device.type)
        count = module.device_count() if module.is_available() else 0
        if (device.index or 0) >= count:
            raise ModelError(
                f"The device {name!r} was asked for, but torch {torch.__version__} sees {count} "
                f"{device.type.upper()} devices.",
                "Ask for 'cpu', or start the worker where the GPU and a build of torch for it are.",
            )
        device = torch.device(
            device.type, device.index if device.index is not None else module.current_device()
        )
    return device


def describe_device(device: str, threads: int) -> dict[str, Any]:
    """Return kind, name, uuid and threads of ``device``, for receipts."""
    checked = checked_device(device)
    if checked.type == "cpu":
        return {"kind": "cpu", "name": _processor_name(), "uuid": "", "threads": threads}
    properties = torch.get_device_module(checked.type).get_device_properties(checked)
    return {
        "kind": checked.type,
        "name": str(properties.name),
        "uuid": str(getattr(properties, "uuid", "")),
        "threads": threads,
    }


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as handle:  # noqa: PTH123 -- not a file of ours
            names = [line.split(":", 1)[1].strip() for line in handle if line.startswith("model name")]
        return names[0] if names else "unknown"
    except OSError:
        return "unknown"


class Meter:
    """What happened on this machine and device between its making and :meth:`read`.

    Parameters
    ----------
    device : torch.device
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._module = None if device.type == "cpu" else torch.get_device_module(device.type)
        if self._module is not None:
            with contextlib.suppress(RuntimeError, AttributeError):
                self._module.reset_peak_memory_stats(device)
        self._joules = _joules(device)
        self._cpu = _cpu_seconds()
        self._begun = time.perf_counter()

    def read(self) -> dict[str, float | int | None]:
        """Return what was used.

        ``held_seconds`` (wall), ``cpu_seconds`` (of all threads of this process), ``host_peak_bytes`` (of this
        process in its whole life), ``device_peak_bytes`` (0 on the CPU), ``energy_joules`` (of the whole device,
        whoever used it; None where it does not tell).
        """
        held = time.perf_counter() - self._begun
        peak = 0
        if self._module is not None:
            with contextlib.suppress(RuntimeError, AttributeError):
                peak = int(self._module.max_memory_allocated(self._device))
        after = _joules(self._device)
        known = after is not None and self._joules is not None
        return {
            "held_seconds": round(held, 6),
            "cpu_seconds": round(_cpu_seconds() - self._cpu, 6),
            "host_peak_bytes": _peak_bytes(),
            "device_peak_bytes": peak,
            "energy_joules": round(after - self._joules, 3) if known else None,  # type: ignore[operator]
        }


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _joules(device: torch.device) -> float | None:
    """Return the energy that an NVIDIA device counted since its driver was loaded, if it can be asked.

    NVML numbers the devices of the machine, torch those it was shown: they are matched by their UUID.
    """
    if device.type != "cuda" or torch.version.cuda is None:
        return None
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
        uuid = str(torch.cuda.get_device_properties(device).uuid)
        handle = nvml.nvmlDeviceGetHandleByUUID((uuid if uuid.startswith("GPU-") else f"GPU-{uuid}").encode())
        return float(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000
    except nvml.NVMLError:
        return None
