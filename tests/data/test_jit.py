"""Kernels: where their machine code is kept, and that their arithmetic is that of IEEE 754, operation by operation."""

from __future__ import annotations

from pathlib import Path

import numba
import numpy as np
import pytest
from docksieve.data.jit import cache_folder, compiled


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    return tmp_path / "kept"


def _difference_of_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    found = np.empty_like(a)
    for place in range(len(a)):
        found[place] = a[place] * a[place] - b[place]
    return found


def _ratio_and_sum(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    total = 0.0
    for place in range(len(a)):
        total += a[place]
    return a[0] / b[0], total


def test_the_same_processor_has_the_same_folder_and_other_code_another(cache: Path) -> None:
    folder = cache_folder()
    assert folder is not None and Path(folder).is_dir()
    assert Path(folder).parent == cache / "docksieve"
    assert cache_folder() == folder
    assert cache_folder("features of another build") != folder


def test_the_users_cache_is_next_and_then_the_home(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert str(cache_folder()).startswith(str(tmp_path / "xdg" / "docksieve"))
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "home")
    assert str(cache_folder()).startswith(str(tmp_path / "home" / ".cache" / "docksieve"))


def test_without_a_place_to_write_there_is_no_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_text("a file where the folder should be")
    assert cache_folder() is None

    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert cache_folder() is None


def test_each_operation_is_rounded_and_a_division_by_zero_is_no_exception() -> None:
    plain = compiled(_ratio_and_sum, None)
    ratio, total = plain(np.array([1.0, 1e16, 1.0, -1e16]), np.zeros(4))
    assert ratio == np.inf
    assert total == 0.0  # from left to right: 1 is lost in 1e16; in another order it would be 1 or 2
    assert np.isnan(plain(np.zeros(1), np.zeros(1))[0])


def test_the_machine_code_is_kept_in_the_folder_and_products_are_not_fused(tmp_path: Path) -> None:
    before = numba.config.CACHE_DIR
    kernel = compiled(_difference_of_products, str(tmp_path))
    assert before == numba.config.CACHE_DIR
    a = np.array([1 + 2.0**-30])
    rounded = np.array([1 + 2.0**-29])  # a * a to the nearest double; a fused operation would leave 2**-60
    assert kernel(a, rounded)[0] == 0.0
    assert list(tmp_path.rglob("*.nbi")) and list(tmp_path.rglob("*.nbc"))
