"""Settings of factor models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FactorSettings:
    """What a factor model looks like and how it is trained.

    Attributes
    ----------
    rank : int
        Length of the vectors of a pair of roles.
    width, buckets : int
        Of the network on the fingerprints of capped blocks.
    epochs, batch_size : int
    learning_rate : float
    most : int
        Products of a target that a screen keeps and makes at most.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 -- read by pydantic, which is not imported here

    rank: int = 32
    width: int = 128
    buckets: int = 8_192
    epochs: int = 20
    batch_size: int = 2_048
    learning_rate: float = 0.004
    most: int = 100_000

    def __post_init__(self) -> None:
        for name in ("rank", "width", "epochs", "batch_size", "most"):
            if getattr(self, name) < 1:
                raise ValueError(f"factors.{name} must be at least 1")
        if self.buckets < 2 or self.buckets & (self.buckets - 1):
            raise ValueError("factors.buckets must be a power of two")
        if not 0 < self.learning_rate < 1:
            raise ValueError("factors.learning_rate must be between 0 and 1")
