"""Writing a student as an ONNX model of standard operators.

The graph takes what the encoder makes of SMILES (``docs/model-tools.md``), padded to the longest molecule of a batch:
``buckets`` (int64) and ``weights`` (float32, 0 where padded), both of shape (molecules, tokens), sizes that are free.
It gives ``scores`` (float32, shape (molecules, outputs)): means of all targets, then their spreads, in score units.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...data.errors import ModelError
from ...data.version import __version__
from ..students.student import Student

OPSET, IR = 17, 9
"""Read by every onnxruntime since 1.16."""
FORMAT = "docksieve-student-1"
"""Value of the metadata ``docksieve.format``: the encoder and the inputs of a file."""


def require(name: str) -> Any:
    """Return a library of the extra ``onnx``.

    Raises
    ------
    ModelError
        If it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise ModelError(
            f"The library {name.partition('.')[0]} is not installed.",
            "Install it: pip install 'docksieve[onnx]'.",
        ) from None


def onnx_bytes(student: Student, model_id: str, int8: bool = False) -> bytes:
    """Return a student as the bytes of an ONNX model, checked by onnx itself.

    Parameters
    ----------
    student : Student
    model_id : str
        Of its bundle; kept in the metadata, with targets, directions and the settings of the encoder.
    int8 : bool
        Whether embedding and hidden layers are rounded to 8 bits: embedding rows and the columns of layers each with a
        scale of its own. Activations are not rounded, and neither is the head.

    Returns
    -------
    bytes

    Raises
    ------
    ModelError
        If the library onnx is not installed, or refuses the model.
    """
    onnx = require("onnx")
    graph = _Graph(onnx)
    weights = student.weights
    rows = graph.table("embedding", weights.embedding, int8)
    bag = graph.node("MatMul", graph.node("Unsqueeze", "weights", graph.whole("middle", [1])), rows)
    values = graph.node("Squeeze", bag, graph.whole("middle", [1]))
    values = graph.activation(graph.node("Add", values, graph.floats("bias", weights.bias)))
    for layer in range(len(weights.hidden)):
        matrix = graph.matrix(f"hidden.{layer}", weights.hidden[layer], int8)
        product = graph.node("MatMul", values, matrix)
        values = graph.activation(
            graph.node("Add", product, graph.floats(f"hidden_bias.{layer}", weights.hidden_bias[layer]))
        )
    product = graph.node("MatMul", values, graph.floats("head", weights.head))
    product = graph.node("Add", product, graph.floats("head_bias", weights.head_bias))
    graph.node("Max", product, graph.floats("floor", weights.floor), output="scores")
    model = graph.model(len(weights.head_bias))
    targets = [
        {"name": name, "lower_is_better": lower}
        for name, lower in zip(student.targets, student.lower_is_better, strict=True)
    ]
    onnx.helper.set_model_props(
        model,
        {
            "docksieve.format": FORMAT,
            "docksieve.model": model_id,
            "docksieve.targets": json.dumps(targets),
            "docksieve.ngram": str(student.settings.ngram),
            "docksieve.buckets": str(student.settings.buckets),
            "docksieve.int8": str(int8).lower(),
        },
    )
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # onnx has several kinds, and says which operator
        raise ModelError(f"The library onnx refuses the model: {str(error).splitlines()[0]}.") from None
    return bytes(model.SerializeToString())


class _Graph:
    """Nodes and constants of a graph, in order."""

    def __init__(self, onnx: Any) -> None:
        self._onnx, self._helper = onnx, onnx.helper
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Add an operator and return the name of what it gives."""
        output = output or f"{kind.lower()}.{len(self._nodes)}"
        self._nodes.append(self._helper.make_node(kind, inputs, [output], **attributes))
        return output

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self._constants[name] = self._onnx.numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def floats(self, name: str, values: NDArray[np.float32] | float) -> str:
        """Add a constant of float32."""
        return self._constant(name, np.asarray(values, np.float32))

    def whole(self, name: str, values: list[int]) -> str:
        """Add a constant of int64."""
        return self._constant(name, np.array(values, np.int64))

    def table(self, name: str, values: NDArray[np.float32], int8: bool) -> str:
        """Return the rows of a table that ``buckets`` name, shape (molecules, tokens, width)."""
        if not int8:
            return self.node("Gather", self.floats(name, values), "buckets")
        whole, scale = rounded(values, 1)
        rows = self.node("Cast", self.node("Gather", self._constant(name, whole), "buckets"), to=1)
        return self.node("Mul", rows, self.node("Gather", self.floats(f"{name}.scale", scale), "buckets"))

    def matrix(self, name: str, values: NDArray[np.float32], int8: bool) -> str:
        """Return a matrix, shape (inputs, outputs)."""
        if not int8:
            return self.floats(name, values)
        whole, scale = rounded(values, 0)
        return self.node(
            "DequantizeLinear", self._constant(name, whole), self.floats(f"{name}.scale", scale[0]), axis=1
        )

    def activation(self, x: str) -> str:
        """Return ``x / 2 * (1 + x / sqrt(1 + x**2))``."""
        one, half = self.floats("one", 1.0), self.floats("half", 0.5)
        root = self.node("Sqrt", self.node("Add", one, self.node("Mul", x, x)))
        return self.node("Mul", self.node("Mul", half, x), self.node("Add", one, self.node("Div", x, root)))

    def model(self, outputs: int) -> Any:
        """Return the model."""
        helper, kinds = self._helper, self._onnx.TensorProto
        sizes = ["molecules", "tokens"]
        graph = helper.make_graph(
            self._nodes,
            "student",
            [
                helper.make_tensor_value_info("buckets", kinds.INT64, sizes),
                helper.make_tensor_value_info("weights", kinds.FLOAT, sizes),
            ],
            [helper.make_tensor_value_info("scores", kinds.FLOAT, ["molecules", outputs])],
            list(self._constants.values()),
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(
            graph,
            opset_imports=[opset],
            ir_version=IR,
            producer_name="docksieve",
            producer_version=__version__,
        )


def rounded(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return a matrix as whole numbers from -127 to 127, and their scales: ``values`` is near ``whole * scale``.

    Parameters
    ----------
    values : array of float32, shape (rows, columns)
    axis : int
        1: a scale for each row, shape (rows, 1); 0: for each column, shape (1, columns).
    """
    largest = np.abs(values).max(axis=axis, keepdims=True)
    scale = np.where(largest > 0, largest / 127, 1.0).astype(np.float32)
    return np.rint(values / scale).astype(np.int8), scale
