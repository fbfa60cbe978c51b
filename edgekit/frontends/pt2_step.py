"""One call of a `.pt2` program while it is translated: its arguments in, ONNX nodes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.frontends.pt2_calls import Call, Tensor
from edgekit.frontends.pt2_writer import Writer, graph_dtype

Shape = tuple[int, ...]
# ONNX's codes of the types a cast can lead to.
_TYPE_CODES = {
    "float32": 1, "uint8": 2, "int8": 3, "int16": 5, "int32": 6, "int64": 7, "bool": 9,
}  # fmt: skip


class Step:
    """What a rule of the vocabulary works with. A rule writes every output that is read."""

    def __init__(self, call: Call, writer: Writer) -> None:
        self.call, self.writer = call, writer
        self._arguments = {a.name: a.value for a in call.arguments}
        self.out = call.outputs[0]

    # Arguments.

    def given(self, name: str) -> bool:
        return self._arguments.get(name) is not None

    def argument(self, name: str, default: Any = None) -> Any:
        return self._arguments[name] if self.given(name) else default

    def ints(self, name: str, default: Sequence[int] | int, count: int) -> list[int]:
        """A list of `count` integers; a single one stands for all of them."""
        value = self.argument(name) or default
        values = [value] if isinstance(value, int) else list(value)
        values = values * count if len(values) == 1 else values
        self.require(len(values) == count, f"{count} values for {name}", values)
        return values

    def axis(self, name: str, default: int, rank: int) -> int:
        return self.normal(self.argument(name, default), rank)

    def axes(self, name: str, rank: int) -> list[int]:
        """Sorted axes; all where the argument is absent or empty."""
        value = self.argument(name)
        values = [value] if isinstance(value, int) else value or range(rank)
        return sorted({self.normal(axis, rank) for axis in values})

    def normal(self, axis: int, rank: int) -> int:
        self.require(-rank <= axis < max(rank, 1), f"axes of a tensor with {rank}", axis)
        return axis % max(rank, 1)

    def tensor(self, name: str) -> str:
        """The value of a tensor argument; "" where it is absent."""
        value = self.argument(name)
        if value is None:
            return ""
        self.require(isinstance(value, Tensor), f"a tensor for {name}", value)
        return self.writer.read(value.name)

    def tensors(self, name: str) -> list[str]:
        return [self.writer.read(each.name) for each in self._arguments[name]]

    def operand(self, name: str) -> str:
        """A tensor, or a number as a constant, in the type of the output."""
        value = self.argument(name)
        if isinstance(value, (int, float)):
            return self.number(name, value)
        found, wanted = self.tensor(name), self.dtype
        if not found or self.writer.values[found].dtype == wanted:
            return found
        return self.between("Cast", [found], self.shape(found), f"{name} as {wanted}",
                            {"to": _TYPE_CODES[wanted]})  # fmt: skip

    def number(self, role: str, value: float, dtype: str = "") -> str:
        """A constant of one number; of the output's type unless `dtype` says another."""
        kind = dtype or self.dtype
        if kind == "float32":
            limit = float(np.finfo(np.float32).max)
            self.require(abs(value) <= limit, "a finite number", value)
        else:
            info = None if kind == "bool" else np.iinfo(kind)
            low, high = (info.min, info.max) if info else (0, 1)
            whole = low <= value <= high and value == int(value)
            self.require(whole, f"a number of type {kind}", value)
        return self.constant(role, value, kind)

    # What tensors are.

    def shape(self, name: str) -> Shape:
        return self.writer.values[name].shape

    @property
    def out_shape(self) -> Shape:
        return self.writer.program.meta(self.out).shape

    @property
    def dtype(self) -> str:
        """The type of the (first) output."""
        return graph_dtype(self.writer.program.meta(self.out).dtype)

    # Nodes.

    def constant(self, role: str, data: Any, dtype: str = "") -> str:
        array = np.array(data, dtype or None)
        return self.writer.constant(f"{self.out}:{role}", array)

    def integers(self, role: str, data: Sequence[int]) -> str:
        return self.constant(role, list(data), "int64")

    def emit(self, op: str, inputs: Sequence[str], attrs: Mapping[str, Any] | None = None) -> None:
        """The node that writes the call's only output."""
        self.require(
            not any(self.writer.is_read(name) for name in self.call.outputs[1:]),
            "only the first of its outputs in use", self.call.outputs,
        )  # fmt: skip
        self.writer.declare(self.out)
        self.writer.node(op, inputs, [self.out], attrs or {})

    def between(
        self, op: str, inputs: Sequence[str], shape: Shape, role: str,
        attrs: Mapping[str, Any] | None = None, near: str = "",
    ) -> str:  # fmt: skip
        """A node that the program does not have, in front of or behind one that it has."""
        name = f"{near or self.out}:{role}"
        dtype = self.dtype if op != "Cast" else role.rsplit(" ", 1)[-1]
        self.writer.activation(name, shape, dtype)
        self.writer.node(op, inputs, [name], attrs or {})
        return name

    def reshape(self, name: str, shape: Sequence[int], role: str) -> str:
        """`name` in another shape, unless it has it already."""
        if self.shape(name) == tuple(shape):
            return name
        return self.between("Reshape", [name, self.integers(f"{role} shape", shape)], tuple(shape), role)  # fmt: skip

    def transpose(self, name: str, perm: Sequence[int], role: str) -> str:
        shape = tuple(self.shape(name)[axis] for axis in perm)
        return self.between("Transpose", [name], shape, role, {"perm": list(perm)})

    def identity(self, name: str) -> None:
        """The output is the tensor `name`, perhaps in another type."""
        here = self.writer.values[name].dtype
        if here == self.dtype:
            self.emit("Identity", [name])
        else:
            self.emit("Cast", [name], {"to": _TYPE_CODES[self.dtype]})

    def require(self, ok: bool, wanted: str, found: object) -> None:
        """Raises EK202 unless `ok`."""
        if not ok:
            raise EdgekitError(
                "EK202", f"{self.call.target} is used outside its supported limits",
                where=f"node {self.out}", found=f"{found}, wanted {wanted}",
                help="change this layer in the source model, or see `edgekit ops` for the limits",
            )  # fmt: skip
