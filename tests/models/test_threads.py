"""Threads of torch, for as long as a block runs."""

from __future__ import annotations

import pytest
import torch
from docksieve.models.threads import torch_threads


def test_threads_are_set_and_given_back() -> None:
    before = torch.get_num_threads()
    with torch_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        with torch_threads(0):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == before + 1
    with pytest.raises(RuntimeError, match="inside"), torch_threads(1):
        raise RuntimeError("inside")
    assert torch.get_num_threads() == before
