"""What an operator is: one class in one file; its header, tables, docs and tests are derived.

A class in `edgekit/ops/` gives eight parts, in this order: docstring with the formula; import from
the source formats; shapes; `real` (float64 reference); channel coupling; `quantize` (scales to
Params and constants); `run` (THE integer semantics); cost; cases for the generated tests.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgekit.channels import Bounds, Spare, type_bounds
from edgekit.data import data_dir
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, IntNode, Node, Value

if TYPE_CHECKING:
    from edgekit.draft import Draft

# Stands for the portable kernel where variants are named by their suffix.
PORTABLE = "c"

Array = NDArray[Any]
Shape = tuple[int, ...]


def c_field(ctype: str, doc: str, length: int | None = None) -> Any:
    """A Params field: its C type, its comment in the header, its length where it is an array."""
    return field(metadata={"c": ctype, "doc": doc, "length": length})


@dataclass(frozen=True)
class Params:
    """The run-time parameters of a kernel; becomes the C struct ``ek_<kernel>_params``."""

    def reads(self, row: int) -> range:
        """The rows of the inputs that output row `row` of a row operator is made from."""
        return range(row, row + 1)

    def strip(self, rows: range, inputs: range) -> Params:
        """The parameters with which `Op.run` makes the output rows `rows` from those inputs alone."""
        return self


@dataclass(frozen=True)
class Const:
    """A constant array of a kernel: a pointer in its struct, an array in flash.

    `weights` marks what counts as weights in size reports; the rest are tables.
    """

    name: str
    ctype: str
    doc: str
    weights: bool = False


class Packed(NamedTuple):
    """What the C struct of a step is filled with."""

    params: Params
    consts: Mapping[str, Array]


@dataclass(frozen=True)
class Variant:
    """A faster kernel of the same bytes: ``ek_<kernel>_s8_<suffix>`` in ``<kernel>_<suffix>.c``.

    isa: words that the target must list. fits: the condition on the unpacked Params and constants.
    pack: turns them into those of the variant's own struct, which `params` and `consts` describe
    (the simulator keeps the unpacked ones). scratch: its bytes, from the unpacked Params.
    Its rows are made in order: once one is being written, only what later rows are made from is read;
    unless it makes those of a call together, so each of them is written while the inputs of any may
    still be read. instructions: an estimate for a call that makes so many rows, None for the usual one.
    """

    suffix: str
    isa: tuple[str, ...]
    fits: Callable[[Any, Mapping[str, Array]], bool]
    pack: Callable[[Any, Mapping[str, Array]], Packed]
    params: type[Params]
    consts: tuple[Const, ...] = ()
    scratch: Callable[[Any], int] = lambda params: 0
    together: bool = False
    instructions: Callable[[Any, int], int] | None = None


@dataclass(frozen=True)
class Alias:
    """`inner` may live inside `outer`'s storage, `offset` bytes from its start."""

    inner: str
    outer: str
    offset: int


@dataclass(frozen=True)
class Axes:
    """Where a tensor of the source keeps its axes here: axis i of the source is axis ``axes[i]`` of
    the `rank` axes of ours, None for one of size 1 that is left out; our further axes have size 1."""

    axes: tuple[int | None, ...]
    rank: int

    @staticmethod
    def same(rank: int) -> Axes:
        """The source's own order."""
        return Axes(tuple(range(rank)), rank)

    def spread(self, per_axis: Sequence[Any], default: Any) -> list[Any]:
        """A list with one entry per axis of the source as one per axis of ours."""
        ours = [default] * self.rank
        for axis, entry in zip(self.axes, per_axis, strict=True):
            if axis is not None:
                ours[axis] = entry
        return ours


class Cost(NamedTuple):
    """What one execution needs: multiply-accumulates and bytes of scratch."""

    macs: int = 0
    scratch: int = 0


@dataclass(frozen=True, eq=False)
class Case:
    """One generated test: a canonical graph around a single node."""

    name: str
    graph: Graph


class Op:
    """Base of all operators. Defining a subclass with a `name` registers it."""

    name: ClassVar[str] = ""
    # The Python file of a plug-in, None for edgekit's own operators.
    origin: ClassVar[Path | None] = None
    # C kernel `ek_<kernel>_<element>`; several operators may share one.
    kernel: ClassVar[str] = ""
    # What its activations are: "s8" or "s16".
    element: ClassVar[str] = "s8"
    # The operator that does the same on int16 activations, where there is one.
    wide: ClassVar[str] = ""
    # "rows": strip kernel on row addresses; "flat": n contiguous elements; "whole": all at once;
    # "sum": rows of the input as they come, the output after the last of them;
    # "each": a kernel of signature "whole", called for one row of every map at a time.
    signature: ClassVar[str] = "flat"
    Params: ClassVar[type[Params]] = Params
    consts: ClassVar[tuple[Const, ...]] = ()
    # Faster kernels of the same bytes, the best first.
    variants: ClassVar[tuple[Variant, ...]] = ()
    # Names of the run-time operands; a name ending in "..." takes any number.
    inputs: ClassVar[tuple[str, ...]] = ("input",)
    # Those of them that the kernel also writes, of signature "whole": variables, which are the node's
    # outputs behind its first.
    states: ClassVar[tuple[str, ...]] = ()
    # Names of further outputs behind the first, of signature "whole".
    more: ClassVar[tuple[str, ...]] = ()
    # Operands and outputs that are kept as int16 with a power of two as their scale: what accumulates.
    accumulates: ClassVar[tuple[str, ...]] = ()
    # Source operator names, per format; torch graphs are read in ONNX's vocabulary.
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()
    # Source operators that are not supported, by patterns of their names -> how this one can stand in.
    instead: ClassVar[Mapping[str, str]] = {}
    # Every operand has its axes where the output has them, and none has a meaning of its own.
    elementwise: ClassVar[bool] = False
    # Axis of the output channels in the weights (operand 1), None for operators without weights.
    channel_axis: ClassVar[int | None] = None
    # Outputs hold values of the inputs: one scale and zero point serves them all.
    same_scale: ClassVar[bool] = False
    # Outputs lie within the inputs' range: its scale serves where no data gives a better one.
    keeps_range: ClassVar[bool] = False
    # Outputs far below all others count as so far below them, where numbers are chosen.
    reach: ClassVar[float | None] = None
    # The only output quantization that the integer form has: (scale, zero point).
    output_quant: ClassVar[tuple[float, int] | None] = None
    # Indices of inputs whose storage the output may take over (same size, elementwise).
    inplace: ClassVar[tuple[int, ...]] = ()
    # Rows of the input come from the caller, one by one, when the schedule asks for them.
    feeds: ClassVar[bool] = False
    # The operator of signature "rows", "sum" or "each" that does the same row by row, where it can.
    as_rows: ClassVar[str] = ""
    # Channel coupling, for pruning: "same" (output channel c reads channel c of every input),
    # "mix" (every output channel reads every input channel), "move" (channels are rearranged).
    coupling: ClassVar[str] = "same"
    # Largest difference from `real`, in output steps, and share of saturated outputs that the
    # generated tests allow (softmax and clamps saturate by nature).
    tolerance: ClassVar[float] = 1.0
    saturation: ClassVar[float] = 0.2

    def __init_subclass__(cls) -> None:
        if cls.name:
            if cls.name in OPS:
                raise TypeError(f"operator {cls.name} is defined twice")
            OPS[cls.name] = cls

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        """The canonical node(s) of one source node. Raises EK202 outside the supported limits."""
        raise NotImplementedError

    @classmethod
    def hidden(cls, node: Node, graph: Graph) -> list[tuple[Shape, str]]:
        """Shape and type of each variable that a `.tflite` node keeps inside itself, 0 at first. They
        become further inputs before `import_tflite`. Raises EK202 like that."""
        return []

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        """Write the canonical form of one ONNX node to `draft`. Raises EK202 like `import_tflite`."""
        raise NotImplementedError

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        """Output shapes of a canonical node, from its input shapes and attributes."""
        raise NotImplementedError

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[Mapping[str, Any], Axes] | None:
        """The attributes for data operands kept as `axes` says, and how the output is kept then.

        None where the operator needs the order that it was written for.
        """
        return (node.attrs, axes) if cls.elementwise else None

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        """Float64 reference on real values (one per activation input, shapes as in the graph)."""
        raise NotImplementedError

    @classmethod
    def windows(cls, node: Node, graph: Graph, x: Array) -> Array | None:
        """Operators with weights: what a channel's weights are multiplied with on one inference's real
        input, [groups, positions, taps]; of O channels o is of group o * groups // O. Taps are in the order of
        the weights with the channel's axis first. None where nobody has needed it yet."""
        return None

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        """Scales and constants of a canonical node to integer Params and constants."""
        raise NotImplementedError

    @classmethod
    def run(cls, p: Any, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        """The integer semantics. Every array has a leading sample axis before its own shape."""
        raise NotImplementedError

    @classmethod
    def stored(cls, p: Any, consts: Mapping[str, Array]) -> Packed:
        """What the portable kernel's struct is filled with, where flash holds less than `run` reads."""
        return Packed(p, consts)

    @classmethod
    def reads(cls, p: Any, consts: Mapping[str, Array], row: int) -> range:
        """Row operators: the rows of every input that output row `row` is made from."""
        return p.reads(row)  # type: ignore[no-any-return]

    @classmethod
    def pieces(cls, p: Any) -> int | None:
        """Row operators that do not read their input by its rows: into how many equal pieces it is
        divided for `reads`."""
        return None

    @classmethod
    def lingers(cls, p: Any) -> bool:
        """May the portable kernel, called for several rows, read a row's inputs until the next row is
        finished?"""
        return False

    @classmethod
    def together(cls, p: Any) -> bool:
        """Do all kernels make the rows of a call together, as `Variant` says it of single ones?"""
        return False

    @classmethod
    def run_rows(
        cls, p: Any, consts: Mapping[str, Array], rows: range, given: range, *inputs: Array
    ) -> list[Array]:
        """`run` for the output rows `rows`; inputs are [N, 1, len(given), W, C], the rows `given`."""
        return cls.run(p.strip(rows, given), consts, *inputs)

    @classmethod
    def of_whole(cls, node: IntNode, values: Mapping[str, Value]) -> IntNode | None:
        """The node that does row by row what `node`, whose operator names this one in its `as_rows`,
        does at once; None where it cannot."""
        raise NotImplementedError

    @classmethod
    def add_rows(
        cls, p: Any, consts: Mapping[str, Array], rows: range, x: Array, sums: Array
    ) -> Array:
        """Signature "sum": the int32 sums [N, n] with input rows x [N, len(rows), W, C] added; the
        first row begins them anew."""
        raise NotImplementedError

    @classmethod
    def from_sums(cls, p: Any, consts: Mapping[str, Array], sums: Array) -> list[Array]:
        """Signature "sum": the outputs, from the sums over all rows."""
        raise NotImplementedError

    @classmethod
    def ties(cls, node: Node) -> list[tuple[str, str]]:
        """Pairs of the node's tensors that have one scale and zero point, where not all have."""
        return []

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        return Cost()

    @classmethod
    def unpacking(cls, p: Any) -> int:
        """Instructions that the portable kernel takes in every call to make its weights; an estimate."""
        return 0

    @classmethod
    def estimate(cls, p: Any, n: int) -> int | None:
        """Instructions of the portable kernel for a call of n rows, None for the usual number."""
        return None

    @classmethod
    def aliases(cls, node: IntNode, values: Mapping[str, Value]) -> list[Alias]:
        """Placements that make the node's copy vanish; all must be granted, or it runs."""
        return []

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        """The range of each output channel for inputs inside theirs, exact or wider."""
        return [type_bounds(values[name]) for name in node.outputs]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        """Of the channels that its neighbours do without, those that the node can do without:
        inputs it does not read or whose values it can take in, outputs it need not make."""
        return spare.none()

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        """The node without the channels that `spare` granted; what stays keeps its values."""
        return node

    @classmethod
    def cases(cls) -> list[Case]:
        """Boundary-rich one-node graphs; the tests run each on the simulator and in C."""
        raise NotImplementedError


class Transient(Op):
    """An operator of the source that no finished network has: it has no kernel and no cases."""

    @classmethod
    def cases(cls) -> list[Case]:
        return []


@dataclass(frozen=True)
class Kernel:
    """The C function that runs an operator: the portable one, or a variant of it."""

    op: type[Op]
    variant: Variant | None = None

    @property
    def name(self) -> str:
        """Of its files: ``<name>.c``, ``ek_<name>.h`` with the struct ``ek_<name>_params``."""
        words = [self.op.kernel, self.op.element if self.op.element != "s8" else ""]
        words += [self.variant.suffix if self.variant else ""]
        return "_".join(word for word in words if word)

    @property
    def owner(self) -> type[Op]:
        """The class that has the kernel; others share it by inheriting."""
        return next((c for c in self.op.__mro__ if c.__dict__.get("kernel")), Op)

    @property
    def source(self) -> Path:
        """Its C file, in the runtime or beside a plug-in."""
        origin = self.owner.origin
        folder = origin.parent if origin else data_dir("runtime") / "kernels"
        return folder / f"{self.name}.c"

    @property
    def symbol(self) -> str:
        suffix = f"_{self.variant.suffix}" if self.variant else ""
        return f"ek_{self.op.kernel}_{self.op.element}{suffix}"

    @property
    def params(self) -> type[Params]:
        return self.variant.params if self.variant else self.op.Params

    @property
    def consts(self) -> tuple[Const, ...]:
        return self.variant.consts if self.variant else self.op.consts

    def together(self, params: Params) -> bool:
        """See `Variant`."""
        return (self.variant is not None and self.variant.together) or self.op.together(params)

    def lingers(self, params: Params) -> bool:
        """See `Op.lingers`; variants read what a tile needs before they write it."""
        return self.variant is None and self.op.lingers(params)

    def pack(self, params: Params, consts: Mapping[str, Array]) -> Packed:
        """What its struct is filled with."""
        return (self.variant.pack if self.variant else self.op.stored)(params, consts)


OPS: dict[str, type[Op]] = {}


@functools.cache
def load_ops() -> Mapping[str, type[Op]]:
    """Import every file of `edgekit/ops` and return the registry, sorted by name."""
    _import_all()
    return dict(sorted(OPS.items()))


@functools.cache
def _import_all() -> None:
    package = importlib.import_module("edgekit.ops")
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"edgekit.ops.{module}")


def tflite_ops() -> dict[str, type[Op]]:
    """Source operator name to operator class, for `.tflite` files."""
    return {source: op for op in load_ops().values() for source in op.tflite}


def onnx_ops() -> dict[str, type[Op]]:
    """Source operator name to operator class, for ONNX graphs."""
    return {source: op for op in load_ops().values() for source in op.onnx}


def require(ok: bool, rule: str, node: Node | IntNode, found: object) -> None:
    """A support rule: raises EK202 naming `rule` (what is wanted) and `found` unless `ok`."""
    if not ok:
        raise EdgekitError(
            "EK202",
            f"{node.op} is used outside its supported limits",
            where=f"node {node.name}",
            found=f"{found}, wanted {rule}",
            help="change this layer in the source model, or see `edgekit ops` for the limits",
        )


def int8_pair(node: Node, graph: Graph, indices: Sequence[int] = (0,)) -> None:
    """Require int8 activations at the given inputs and at the outputs."""
    for name in [node.inputs[i] for i in indices] + list(node.outputs):
        require(graph.value(name).dtype == "int8", "int8 activations", node,
                f"{name} is {graph.value(name).dtype}")  # fmt: skip


def int16_pair(node: Node, graph: Graph, indices: Sequence[int] = (0,)) -> None:
    """Require int16 activations, whose zero points are 0, at the given inputs and at the outputs."""
    for name in [node.inputs[i] for i in indices] + list(node.outputs):
        value = graph.value(name)
        require(value.dtype == "int16", "int16 activations", node, f"{name} is {value.dtype}")
        require(value.zero_point == 0, "int16 activations of zero point 0", node,
                f"{name} has {value.zero_point}")  # fmt: skip


def params_fields(params: type[Params]) -> list[dataclasses.Field[Any]]:
    """The C fields of a Params class, in order."""
    return [f for f in dataclasses.fields(params) if "c" in f.metadata]


_C_TYPES = {
    "int8_t": "int8", "uint8_t": "uint8", "uint16_t": "uint16", "int16_t": "int16", "int32_t": "int32", "int64_t": "int64",
}  # fmt: skip


def const_dtype(const: Const) -> np.dtype[Any]:
    """The numpy type that a constant of this C type must have."""
    return np.dtype(_C_TYPES[const.ctype])
