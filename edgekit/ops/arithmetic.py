"""Arithmetic, bits, shifts and comparisons of two plain integers, which have no scale.

    out = f(a, b), high bits dropped

Operands repeat along axes of size 1. They are of one type, 8 to 32 bits, signed or not, or boolean.
Quotients round towards zero; `mod` has the sign of the divisor, `fmod` of the dividend; a divisor of 0
gives 0. A shift by less than 0 or by more than the type's bits leaves copies of the sign, or zeros. The power of a negative exponent is 0, but of -1 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgekit.cases import single
from edgekit.families import elementwise
from edgekit.families.integers import NUMBERS, TYPES, import_integers, narrowed
from edgekit.fixed import Int
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


def _quotient(a: Int, b: Int) -> Int:
    whole = np.abs(a) // np.maximum(np.abs(b), 1)
    return np.where(b == 0, 0, np.where((a < 0) == (b < 0), whole, -whole))


def _rest(a: Int, b: Int) -> Int:
    return np.where(b == 0, 0, a - _quotient(a, b) * b)


def _modulo(a: Int, b: Int) -> Int:
    rest = _rest(a, b)
    return np.where((rest != 0) & ((rest < 0) != (b < 0)), rest + b, rest)


def _power(a: Int, b: Int) -> Int:
    """By squaring, in 32 bits."""
    a, b = np.broadcast_arrays(a, b)
    power, square, left = np.ones_like(a), a, np.maximum(b, 0)
    while left.any():
        power = np.where(left & 1, power * square & _WORD, power)
        square, left = square * square & _WORD, left >> 1
    ones = np.where(a == -1, 1 - 2 * (b & 1), np.where(a == 1, 1, 0))
    return np.where(b < 0, ones, power)


_WORD = (1 << 32) - 1
# In the order of the kernel's numbers.
FUNCTIONS: Mapping[str, Callable[[Int, Int], Int]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": _quotient,
    "mod": _modulo,
    "fmod": _rest,
    "pow": _power,
    "min": np.minimum,
    "max": np.maximum,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "left": lambda a, b: np.where((b < 0) | (b > 31), 0, a << np.clip(b, 0, 31)),
    "right": lambda a, b: np.where(
        (b < 0) | (b > 31), np.where(a < 0, -1, 0), a >> np.clip(b, 0, 31)
    ),
    "less": np.less,
    "less_equal": np.less_equal,
    "equal": np.equal,
}
_ORDER = tuple(FUNCTIONS)
COMPARISONS = ("less", "less_equal", "equal")
_ONNX = {
    "And": "and", "Or": "or", "Xor": "xor",
    "BitwiseAnd": "and", "BitwiseOr": "or", "BitwiseXor": "xor",
}  # fmt: skip


@dataclass(frozen=True)
class ArithmeticParams(Params):
    dtype: str
    function: int = c_field("int8_t", ", ".join(f"{i} {name}" for i, name in enumerate(_ORDER)))
    source: int = c_field("int8_t", f"type of the inputs: {TYPES}")
    target: int = c_field("int8_t", "type of the output, likewise")
    shape: tuple[int, ...] = c_field("int32_t", "sizes of the walk over the output", 4)
    stride1: tuple[int, ...] = c_field("int32_t", "steps of the first input, 0 repeats", 4)
    stride2: tuple[int, ...] = c_field("int32_t", "steps of the second input, 0 repeats", 4)


class Arithmetic(Op):
    name = "arithmetic"
    kernel = "arithmetic"
    saturation = 1.0  # whole numbers wrap; 0 is a common result
    signature = "whole"
    Params = ArithmeticParams
    inputs = ("input1", "input2")
    onnx = (*_ONNX, "BitShift", "Mod")
    elementwise = True

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        if node.op == "Mod" and draft.value(node.inputs[0]).dtype == "float32":
            _real_remainder(node, draft)
            return
        if node.op == "BitShift":
            function = node.attrs["direction"].lower()
        elif node.op == "Mod":
            function = "fmod" if node.attrs.get("fmod", 0) else "mod"
        else:
            function = _ONNX[node.op]
        import_integers(node, draft, function, node.inputs, node.outputs[0])

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return elementwise.broadcast_shapes(node, graph)

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a, b = (x.astype(np.int64) for x in elementwise.real_operands(node, graph, inputs))
        return [
            narrowed(FUNCTIONS[node.attrs["function"]](a, b), graph.value(node.outputs[0]).dtype)
        ]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        a, b, out = (graph.value(name) for name in (*node.inputs, node.outputs[0]))
        function = node.attrs["function"]
        require(a.quant is None and a.dtype in NUMBERS and out.dtype in NUMBERS,
                "plain integers of 8, 16 or 32 bits, or booleans", node, (a.dtype, out.dtype))  # fmt: skip
        require(a.dtype == b.dtype, "operands of one type", node, (a.dtype, b.dtype))
        params = ArithmeticParams(
            out.dtype, _ORDER.index(function), NUMBERS[a.dtype], NUMBERS[out.dtype],
            **asdict(elementwise.broadcast(node, graph)),
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: ArithmeticParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        a = elementwise.operand(inputs[0], p.shape, p.stride1)
        b = elementwise.operand(inputs[1], p.shape, p.stride2)
        return [narrowed(FUNCTIONS[_ORDER[p.function]](a, b), p.dtype)]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(function: str, dtype: str, a: Shape, b: Shape) -> Case:
            result = "bool" if function in COMPARISONS else dtype
            # By hardly any random number may one shift.
            bits = 8 * np.dtype(dtype).itemsize
            steps = np.arange(np.prod(b, dtype=int)).reshape(b) % (bits + 2)
            by = steps.astype(dtype) if function in ("left", "right") else None
            operands = [Value("a", a, dtype), Value("b", b, dtype, None, by)]
            output = Value("output", np.broadcast_shapes(a, b), result)
            attrs = {"function": function}
            return single(cls, f"{function}_{dtype}", operands, [output], attrs)

        signed = [case(f, "int32", (1, 4, 5, 3), (1, 4, 5, 3)) for f in FUNCTIONS]
        whole = [case(f, "uint32", (2, 1, 7), (3, 1)) for f in FUNCTIONS]
        bytes_ = [case(f, "int8", (40,), (40,)) for f in ("div", "mod", "fmod", "pow", "less")]
        others = [case("xor", "bool", (9,), (1,)), case("right", "uint8", (30,), (30,)),
                  case("left", "uint16", (3, 1), (1, 5)), case("mul", "int16", (), (11,))]  # fmt: skip
        return [*signed, *whole, *bytes_, *others]


def _real_remainder(node: Node, draft: Draft) -> None:
    """a - trunc(a / b) * b of real numbers with `fmod`, with floor in place of trunc without."""
    a, b = node.inputs
    attrs = {"function": "trunc" if node.attrs.get("fmod", 0) else "floor"}
    quotient = draft.binary(node, "quotient", a, b)
    whole = draft.add("real_function", node, [quotient], attrs)
    draft.binary(node, "sub", a, draft.binary(node, "mul", whole, b), node.outputs[0])
