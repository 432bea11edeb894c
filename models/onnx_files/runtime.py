"""Students in ONNX files, run by onnxruntime on SMILES."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...data.errors import FormatError
from ..network.ngrams import StringBatch, encode
from .export import FORMAT, require

BATCH = 256
"""Molecules of a batch: embedded, they take some 30 MB."""


class OnnxStudent:
    """A student read from an ONNX file.

    Parameters
    ----------
    path : Path
    threads : int

    Attributes
    ----------
    model : str
        Id of the bundle that it was made from.
    targets : tuple of str
    lower_is_better : tuple of bool
    int8 : bool

    Raises
    ------
    FormatError
        If the file cannot be read, or is no student of this format.
    ModelError
        If onnxruntime is not installed.
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        runtime = require("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        if not path.is_file():
            raise FormatError(f"{path} is missing.")
        try:
            self._session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
            about = self._session.get_modelmeta().custom_metadata_map
        except Exception as error:  # onnxruntime has a kind of its own for every fault
            raise FormatError(f"{path} cannot be run by onnxruntime: {str(error).splitlines()[0]}.") from None
        if about.get("docksieve.format") != FORMAT:
            raise FormatError(
                f"{path} is no student that this docksieve reads (format {about.get('docksieve.format')!r}).",
                "Export it again: docksieve model export.",
            )
        self.model, self.int8 = about["docksieve.model"], about["docksieve.int8"] == "true"
        self._ngram, self._buckets = int(about["docksieve.ngram"]), int(about["docksieve.buckets"])
        targets = json.loads(about["docksieve.targets"])
        self.targets = tuple(target["name"] for target in targets)
        self.lower_is_better = tuple(bool(target["lower_is_better"]) for target in targets)

    def predict(self, smiles: Sequence[str | None]) -> NDArray[np.float32]:
        """Return the means of molecules in standard form, shape (n, targets); NaN for None."""
        found = np.full((len(smiles), len(self.targets)), np.nan, np.float32)
        for start in range(0, len(smiles), BATCH):
            rows = [row for row in range(start, min(start + BATCH, len(smiles))) if smiles[row]]
            if rows:
                buckets, weights = padded([smiles[row] for row in rows], self._ngram, self._buckets)
                (scores,) = self._session.run(None, {"buckets": buckets, "weights": weights})
                found[rows] = scores[:, : len(self.targets)]
        return found


def padded(
    smiles: Sequence[str | None], ngram: int, buckets: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the inputs of an exported student: its encoder's output, each row filled up with weight 0.

    Returns
    -------
    buckets : array of int64, shape (n, longest)
    weights : array of float32, shape (n, longest)
    """
    bags = encode(StringBatch.from_strings(smiles), ngram, buckets)
    lengths = np.diff(bags.offsets)
    inside = np.arange(max(int(lengths.max(initial=0)), 1)) < lengths[:, None]
    found, weights = np.zeros(inside.shape, np.int64), np.zeros(inside.shape, np.float32)
    found[inside], weights[inside] = bags.buckets, bags.weights
    return found, weights
