"""The best products met so far, and the score that a further one must reach."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.float32]
Numbers = NDArray[np.int64]


class BestProducts:
    """The ``count`` products with the highest scores; of equal ones, those with the smaller numbers.

    Any number of threads may offer products. Holds at most ``2 * count`` of them and a batch.

    Parameters
    ----------
    count : int
    floor : float
        Products below it are of no interest.
    """

    def __init__(self, count: int, floor: float = -np.inf) -> None:
        self.count = count
        self.floor = floor
        self._lock = threading.Lock()
        self._parts: list[tuple[Keys, Numbers]] = []
        self._held = 0

    def offer(self, keys: Keys, numbers: Numbers) -> None:
        """Take in products."""
        if not len(keys):
            return
        with self._lock:
            good = keys >= self.floor
            self._parts.append((keys[good], numbers[good]))
            self._held += int(good.sum())
            if self._held >= 2 * self.count:
                self._settle()

    def _settle(self) -> None:
        keys = np.concatenate([part[0] for part in self._parts] or [np.empty(0, np.float32)])
        numbers = np.concatenate([part[1] for part in self._parts] or [np.empty(0, np.int64)])
        if len(keys) > self.count:
            limit = np.partition(keys, len(keys) - self.count)[len(keys) - self.count]
            near = np.flatnonzero(keys >= limit)
            if len(near) > self.count:  # equal scores at the edge: the smaller numbers
                order = np.lexsort((numbers[near], -keys[near]))[: self.count]
                near = near[order]
            keys, numbers = keys[near], numbers[near]
            self.floor = max(self.floor, float(limit))
        self._parts, self._held = [(keys, numbers)], len(keys)

    def best(self) -> tuple[Keys, Numbers]:
        """Return scores and numbers, best first."""
        with self._lock:
            self._settle()
            keys, numbers = self._parts[0]
            order = np.lexsort((numbers, -keys))
            return keys[order], numbers[order]
