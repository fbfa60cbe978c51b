"""The ONNX graph that grows while the calls of a `.pt2` program are translated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.frontends.limits import MAX_ACTIVATION_BYTES
from edgekit.frontends.pt2_calls import Call
from edgekit.frontends.pt2_fold import FOLD, fold
from edgekit.frontends.pt2_program import Program, changes_state, float32
from edgekit.graph import Node, Value

Array = NDArray[Any]
_KEPT = ("QuantizeLinear", "DequantizeLinear")  # a quantized weight keeps its numbers


class Writer:
    """Values and nodes. Graph names stay the program's own; weights have their qualified names."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.values: dict[str, Value] = {}
        self.nodes: list[Node] = []
        self.made: dict[str, Node] = {}  # by what they write
        self._activation_bytes = 0
        # Name in the program -> the tensor that holds its content now: calls may write in place.
        self._holder: dict[str, str] = {}
        # Tensors that may share storage have one root.
        self._root: dict[str, str] = {}
        self._last_read = _last_reads(program)
        for name in program.inputs:
            self.declare(name)

    def declare(self, name: str) -> None:
        """An activation of the program. Raises EK105 for a second of its name, EK106 beyond
        `MAX_ACTIVATION_BYTES`."""
        meta = self.program.meta(name)
        self.activation(name, meta.shape, graph_dtype(meta.dtype))

    def activation(self, name: str, shape: tuple[int, ...], dtype: str) -> None:
        if name in self.values or name in self.program.constants:
            raise _inconsistent("a tensor is written twice", name, "two producers of one name")
        value = Value(name, shape, dtype)
        self._activation_bytes += value.nbytes
        if self._activation_bytes > MAX_ACTIVATION_BYTES:
            raise EdgekitError(
                "EK106", "the activations are too large", where=f"{self.program.file}, tensor {name}",
                found=f"{self._activation_bytes:,} bytes up to here, wanted at most {MAX_ACTIVATION_BYTES:,}",
                help="reduce the resolution or the channels of the model's input",
            )  # fmt: skip
        self.values[name] = value

    def constant(self, name: str, data: Array) -> str:
        """A constant that the program has as an argument of a call."""
        self.values[name] = Value(name, data.shape, str(data.dtype), data=data)
        return name

    def read(self, name: str) -> str:
        """The value for a tensor of the program, its weight loaded when it is first read."""
        name = self._holder.get(name, name)
        if name in self.values or name not in self.program.constants:
            return name
        payload = self.program.constants[name]
        # A module may have a parameter called like a tensor of the graph.
        label = name if self.program.known(payload.name) else payload.name
        if label not in self.values:
            data, wanted = float32(payload.load()), self.program.meta(name).shape
            if data.shape != wanted:
                raise _inconsistent("a weight has another shape than the graph says", payload.name,
                                    f"{list(data.shape)}, wanted {list(wanted)}")  # fmt: skip
            self.constant(label, data)
        self._holder[name] = label
        return label

    def node(
        self, op: str, inputs: Sequence[str], outputs: Sequence[str], attrs: Mapping[str, Any]
    ) -> None:
        """A node whose outputs are declared; folded where it computes from constants alone."""
        operands = [self.values[name].data for name in inputs if name]
        known = [data for data in operands if data is not None]
        if len(known) == len(operands) and op not in _KEPT:
            self._fold(op, known, outputs[0], attrs)
        else:
            node = Node(outputs[0], op, tuple(inputs), tuple(outputs), dict(attrs))
            self.nodes.append(node)
            self.made |= dict.fromkeys(outputs, node)

    def _fold(self, op: str, operands: list[Array], output: str, attrs: Mapping[str, Any]) -> None:
        declared = self.values[output]
        if op not in FOLD:
            raise EdgekitError(
                "EK202", f"{op} on nothing but constants has no support", where=f"node {output}",
                found="no operand that depends on an input",
                help="compute this tensor in the module's __init__ and register it as a buffer",
            )  # fmt: skip
        try:
            data = fold(op, attrs, operands, declared.dtype, declared.shape)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise _inconsistent(
                f"a constant cannot be computed ({op})", output, str(error)
            ) from None
        if data.shape != declared.shape:
            raise _inconsistent("a constant has another shape than the graph says", output,
                                f"{list(data.shape)}, wanted {list(declared.shape)}")  # fmt: skip
        self.constant(output, data)

    def is_read(self, name: str) -> bool:
        return name in self._last_read

    def shares(self, call: Call) -> None:
        """The outputs may be views of what the call reads first."""
        source = _first_tensor(call)
        for name in call.outputs:
            self._root[name] = self._root.get(source, source)

    def check_overwrite(self, index: int, call: Call) -> None:
        """Raises EK202 where writing the result over the first operand changes a weight, or a view
        of the old content is read later."""
        target = _first_tensor(call)
        root = self._root.get(target, target)
        if root in self.program.constants:
            found = f"{call.target} writes into {self.program.constants[root].name}"
            raise changes_state(f"node {call.outputs[0]}", found)
        views = {name for name, base in self._root.items() if base == root} | {root}
        for name in sorted(views - {target}):
            if self._last_read.get(name, -1) > index:
                raise EdgekitError(
                    "EK202", "an operator writes in place into a tensor with views that are read later",
                    where=f"node {call.outputs[0]}", found=f"{call.target} on {target}, beside {name}",
                    help="use the operator that returns a new tensor, e.g. torch.relu for torch.relu_",
                )  # fmt: skip

    def overwritten(self, call: Call) -> None:
        """From now on whoever reads the first operand gets the result."""
        target = _first_tensor(call)
        self._holder[target] = call.outputs[0]
        self._root[call.outputs[0]] = self._root.get(target, target)


def _first_tensor(call: Call) -> str:
    return next(call.reads(), "")


def graph_dtype(dtype: str) -> str:
    """All floating-point types are float32 in the graph."""
    return "float32" if "float" in dtype else dtype


def _last_reads(program: Program) -> dict[str, int]:
    """Tensor -> index of the last call that reads it; the end for outputs."""
    reads = {name: index for index, call in enumerate(program.calls) for name in call.reads()}
    return reads | dict.fromkeys(program.outputs, len(program.calls))


def _inconsistent(message: str, name: str, found: str) -> EdgekitError:
    return EdgekitError(
        "EK105", message, where=f"tensor {name}", found=found, help="export the model again"
    )
