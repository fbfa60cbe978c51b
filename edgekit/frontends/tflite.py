"""`.tflite` files to an imported graph: a generic walker that knows the file, not the operators.

The whole file is checked before anything is made of it; integers are taken as they are.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.families.nibbles import unpacked
from edgekit.frontends.flatbuffer import Reader, Table
from edgekit.frontends.limits import MAX_ACTIVATION_BYTES, MAX_AXES
from edgekit.frontends.names import unique
from edgekit.frontends.tflite_schema import BUILTIN_OPERATORS, OPTIONS, TENSOR_TYPES
from edgekit.graph import DTYPES, Graph, Node, Quant, State, Value

_MAX_ELEMENTS = 2**31
_ZERO_POINTS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (0, 0), "int32": (0, 0)}


def load(data: bytes, file: str) -> Graph:
    """The graph of a `.tflite` file's content. `file` is its name, for messages.

    Raises EK101 (damaged), EK104 (dynamic shape), EK105 (inconsistent), EK106 (activations beyond
    `MAX_ACTIVATION_BYTES`), EK202 (a tensor type that integer networks have no use for), EK301
    (invalid quantization).
    """
    return _Importer(Reader(data, file)).graph()


class _Importer:
    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.file = reader.file
        self.activation_bytes = 0
        self.model = reader.root()
        self.buffers = list(self.model.tables(4, "buffer"))
        self.operators = [self._operator_name(t) for t in self.model.tables(1, "operator code")]

    def graph(self) -> Graph:
        version = self.model.scalar(0, "uint32")
        if version != 3:
            raise self._fail("EK102", "unknown schema version", "header", f"{version}, wanted 3")
        tables = list(self.model.tables(2, "subgraph"))
        if not tables:
            raise self._fail(
                "EK105", "the file holds no graph", "subgraphs", "0, wanted at least 1"
            )
        graphs = [self._subgraph(i, table) for i, table in enumerate(tables)]
        main = graphs[0]
        return Graph(
            main.name, main.values, main.nodes, main.inputs, main.outputs, main.states,
            subgraphs=tuple(graphs),
        )  # fmt: skip

    def _fail(
        self, code: str, message: str, where: str, found: str, help: str = ""
    ) -> EdgekitError:
        return EdgekitError(
            code, message, where=f"{self.file}, {where}", found=found,
            help=help or "export the model again",
        )  # fmt: skip

    def _operator_name(self, table: Table) -> str:
        # Codes above 127 live in the newer field; the older one then holds 127.
        code = max(table.scalar(0, "int8"), table.scalar(3, "int32"))
        if not 0 <= code < len(BUILTIN_OPERATORS):
            return f"BUILTIN_{code}"
        name = BUILTIN_OPERATORS[code]
        return f"CUSTOM:{table.text(1)}" if name == "CUSTOM" else name

    def _subgraph(self, index: int, table: Table) -> Graph:
        name = table.text(4) or f"subgraph_{index}"
        names: dict[str, int] = {}
        values: list[Value] = []
        states = []
        for i, tensor in enumerate(table.tables(0, f"subgraph {index}, tensor")):
            label = unique(tensor.text(3).strip() or f"tensor_{i}", names)
            values.append(self._tensor(label, tensor))
            if tensor.scalar(5, "bool", False) and values[-1].data is None:
                states.append(State(label, _at_rest(values[-1])))
        where = f"subgraph {index}"
        nodes = tuple(
            self._node(i, operator, values)
            for i, operator in enumerate(table.tables(3, f"{where}, operator"))
        )
        inputs = self._names(table.array(1, "int32"), values, f"{where}, inputs")
        outputs = self._names(table.array(2, "int32"), values, f"{where}, outputs")
        if "" in inputs or "" in outputs:
            raise self._fail(
                "EK105", "an input or output of the graph is absent", where, "tensor -1"
            )
        graph = Graph(name, {v.name: v for v in values}, nodes, inputs, outputs, tuple(states))
        graph.verify()
        return graph

    def _names(self, indices: NDArray[Any], values: list[Value], where: str) -> tuple[str, ...]:
        """Tensor names of an index vector; -1 stands for an absent operand."""
        for index in indices:
            if not -1 <= index < len(values):
                found = f"tensor {index}, wanted below {len(values)}"
                raise self._fail(
                    "EK105", "a reference to a tensor that does not exist", where, found
                )
        return tuple("" if i == -1 else values[i].name for i in indices)

    def _tensor(self, name: str, table: Table) -> Value:
        where = f"tensor {name}"
        code = table.scalar(1, "int8")
        if code not in TENSOR_TYPES:
            raise self._fail("EK202", "a tensor type without support", where, f"type code {code}",
                             "convert the model with full integer quantization")  # fmt: skip
        if table.has(6):
            raise self._fail("EK202", "sparse tensors have no support", where, "a sparsity table",
                             "export the model with dense weights")  # fmt: skip
        dtype = TENSOR_TYPES[code]
        shape = self._shape(table, where)
        data = self._data(table, dtype, shape, where)
        quant = self._quant(table, dtype, shape, where)
        if dtype == "int4":
            dtype, quant = "int8", self._four_bits(quant, data, where)
        value = Value(name, shape, dtype, quant, data)
        self._count(value, where)
        return value

    def _four_bits(self, quant: Quant | None, data: NDArray[Any] | None, where: str) -> Quant:
        if quant is None or data is None:
            raise self._fail("EK202", "four bits are supported for quantized weights only", where,
                             "an activation" if data is None else "no scale",
                             "convert the model with int8 activations")  # fmt: skip
        return replace(quant, bits=4)

    def _count(self, value: Value, where: str) -> None:
        """Add an activation or a variable to what the model needs, before anything has its size."""
        self.activation_bytes += value.nbytes if value.data is None else 0
        if self.activation_bytes > MAX_ACTIVATION_BYTES:
            found = f"{self.activation_bytes:,} bytes up to here, wanted at most {MAX_ACTIVATION_BYTES:,}"
            raise self._fail("EK106", "the activations are too large", where, found,
                             "reduce the resolution or the channels of the model's input")  # fmt: skip

    def _shape(self, table: Table, where: str) -> tuple[int, ...]:
        """The static shape; an unknown leading dimension, the batch, is bound to 1."""
        shape = [int(d) for d in table.array(0, "int32")]
        signature = [int(d) for d in table.array(7, "int32")]
        if shape and (shape[0] == -1 or (signature and signature[0] == -1 and shape[0] == 0)):
            shape[0] = 1
        unknown = [d for d in (signature or shape)[1:] if d < 0] + [d for d in shape if d < 0]
        if unknown:
            raise self._fail("EK104", "a dimension is not known", where,
                             f"shape {signature or shape}, wanted fixed dimensions",
                             "export the model with fixed input shapes")  # fmt: skip
        if math.prod(shape) > _MAX_ELEMENTS or len(shape) > MAX_AXES:
            raise self._fail("EK105", "a tensor is too large", where,
                             f"shape {shape}, wanted at most 2^31 elements and 8 axes")  # fmt: skip
        return tuple(shape)

    def _data(
        self, table: Table, dtype: str, shape: tuple[int, ...], where: str
    ) -> NDArray[Any] | None:
        index = table.scalar(2, "uint32")
        if index >= len(self.buffers):
            found = f"buffer {index}, wanted below {len(self.buffers)}"
            raise self._fail("EK105", "a reference to a buffer that does not exist", where, found)
        buffer = self.buffers[index]
        if buffer.scalar(1, "uint64") > 1:
            raise self._fail("EK202", "weights outside the flatbuffer have no support", where,
                             "a buffer with an offset", "export the model below 2 GB")  # fmt: skip
        raw = buffer.array(0, "uint8")
        elements = int(np.prod(shape, dtype=np.int64))
        absent = index == 0 or not buffer.has(0) or (raw.size == 0 and elements > 0)
        if dtype == "resource" or absent:
            return None
        wanted = (elements + 1) // 2 if dtype == "int4" else elements * DTYPES[dtype]
        if raw.size != wanted:
            raise self._fail("EK105", "a constant does not fill its shape", where,
                             f"{raw.size} bytes, wanted {wanted} for {dtype} {list(shape)}")  # fmt: skip
        if dtype == "int4":
            return unpacked(raw, elements).reshape(shape)
        little = _numpy(dtype).newbyteorder("<")
        return np.asarray(raw.view(little), _numpy(dtype)).reshape(shape)

    def _quant(self, table: Table, dtype: str, shape: tuple[int, ...], where: str) -> Quant | None:
        quantization = table.table(4, f"{where}, quantization")
        if quantization is None:
            return None
        scales = [float(s) for s in quantization.array(2, "float32")]
        zeros = [int(z) for z in quantization.array(3, "int64")] or [0] * len(scales)
        if not scales:
            return None
        axis = quantization.scalar(6, "int32")

        def bad(message: str, found: str) -> EdgekitError:
            return self._fail("EK301", message, where, found)

        for scale in scales:
            if not (math.isfinite(scale) and scale > 0):
                raise bad("a scale is not a positive number", f"{scale!r}, wanted above 0")
        if len(zeros) != len(scales):
            raise bad("scales and zero points differ in number", f"{len(scales)} and {len(zeros)}")
        low, high = _ZERO_POINTS.get(dtype, (0, 0))
        for zero in zeros:
            if not low <= zero <= high:
                raise bad("a zero point is outside its type", f"{zero}, wanted {low} to {high}")
        if len(scales) == 1:
            return Quant(tuple(scales), tuple(zeros))
        if not (0 <= axis < len(shape) and shape[axis] == len(scales)):
            raise bad("scales do not match the shape",
                      f"{len(scales)} along axis {axis} of {list(shape)}")  # fmt: skip
        return Quant(tuple(scales), tuple(zeros), axis)

    def _node(self, index: int, table: Table, values: list[Value]) -> Node:
        code = table.scalar(0, "uint32")
        where = f"operator {index}"
        if code >= len(self.operators):
            found = f"code {code}, wanted below {len(self.operators)}"
            raise self._fail(
                "EK105", "a reference to an operator code that does not exist", where, found
            )
        op = self.operators[code]
        inputs = self._names(table.array(1, "int32"), values, f"{where}, inputs")
        outputs = self._names(table.array(2, "int32"), values, f"{where}, outputs")
        if "" in outputs:
            raise self._fail("EK105", "an operator without an output tensor", where, "-1")
        options = table.table(4, f"{where}, options")
        attrs = self._attrs(op, options, where)
        if op.startswith("CUSTOM:"):
            attrs["custom_options"] = table.array(5, "uint8").tobytes()
        return Node(f"{op.lower().replace(':', '_')}_{index}", op, inputs, outputs, attrs)

    def _attrs(self, op: str, table: Table | None, where: str) -> dict[str, Any]:
        """The options of an operator by name; enumerations as their names."""
        attrs: dict[str, Any] = {}
        for name, slot, kind, default in OPTIONS.get(op, ()):
            if isinstance(kind, tuple):
                code = table.scalar(slot, "int8", default) if table else default
                if not 0 <= code < len(kind):
                    raise self._fail("EK105", f"the option {name} has no such value", where,
                                     f"{code}, wanted below {len(kind)}")  # fmt: skip
                attrs[name] = kind[code]
            elif kind == "text":
                attrs[name] = table.text(slot) if table else default
            elif kind == "array":
                attrs[name] = (
                    tuple(int(v) for v in table.array(slot, "int32")) if table else default
                )
            else:
                attrs[name] = table.scalar(slot, kind, default) if table else default
        return attrs


def _at_rest(value: Value) -> NDArray[Any]:
    """What TensorFlow Lite fills a variable tensor with: its zero point."""
    zero = value.quant.zero_point[0] if value.quant is not None else 0
    return np.full(value.shape, zero, _numpy(value.dtype))


def _numpy(dtype: str) -> np.dtype[Any]:
    return np.dtype("int32" if dtype == "resource" else dtype)
