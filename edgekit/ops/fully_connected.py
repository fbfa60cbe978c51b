"""Dense layer.

    out[b, o] = requantize(bias[o] + sum over k of (in[b, k] - zero_in) * w[o, k]) + zero_out

Operands: input int8 of any shape, taken as [batch, K]; weights [O, K] int8 (zero point 0); bias [O]
int32 or absent. The zero point of the input is folded into the bias.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from edgekit import fixed, instructions
from edgekit.channels import (
    Bounds,
    Spare,
    dot_bounds,
    foldable,
    folded_bias,
    kept,
    output_bounds,
    regroup,
    without_outputs,
)
from edgekit.families import weighted
from edgekit.families.nibbles import suffix
from edgekit.families.window import activation_range, exact_matmul, real_activation
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.isa import dsp, mve, neon, rv32, v6m
from edgekit.op import (
    Array,
    Axes,
    Case,
    Const,
    Cost,
    Op,
    Params,
    Shape,
    Variant,
    c_field,
    int8_pair,
    load_ops,
    require,
)

if TYPE_CHECKING:
    from edgekit.draft import Draft


@dataclass(frozen=True)
class FullyConnectedParams(Params):
    batch: int = c_field("int32_t", "input vectors")
    in_c: int = c_field("int32_t", "elements of an input vector")
    out_c: int = c_field("int32_t", "elements of an output vector")
    output_zero: int = c_field("int32_t", "zero point of the output")
    out_min: int = c_field("int32_t", "lower clamp")
    out_max: int = c_field("int32_t", "upper clamp")


@dataclass(frozen=True)
class FullyConnectedNeonParams(FullyConnectedParams):
    rescaling: int = c_field("int32_t", "how sums become outputs, see ek_neon.h")


class FullyConnected(Op):
    name = "fully_connected"
    kernel = "fully_connected"
    wide = "fully_connected_s16"
    signature = "whole"
    as_rows = "fully_connected_rows"
    Params: ClassVar[type[Params]] = FullyConnectedParams
    consts: ClassVar[tuple[Const, ...]] = (
        Const("weights", "int8_t", "[out_c][in_c]", weights=True),
        Const("bias", "int32_t", "[out_c], input zero point folded in"),
        Const("multiplier", "int32_t", "[out_c]"),
        Const("shift", "int8_t", "[out_c], positive is left"),
    )
    variants: ClassVar[tuple[Variant, ...]] = (
        Variant("mve", ("mve",), mve.dense_fits, mve.pack_dense, FullyConnectedParams, mve.DENSE),
        Variant("dsp", ("dsp",), dsp.dense_shares_lanes, partial(dsp.pack_dense, mixed=True),
                FullyConnectedParams, (dsp.GROUPED, dsp.GROUPS)),
        Variant("dsp_bytes", ("dsp",), dsp.dense_fits, partial(dsp.pack_dense, mixed=False),
                FullyConnectedParams, (dsp.GROUPED, dsp.GROUPS)),
        Variant("v6m", ("armv6m",), v6m.dense_fits, v6m.pack_dense, FullyConnectedParams, v6m.DENSE),
        Variant("rv32", ("rv32",), rv32.dense_fits, rv32.pack_dense, FullyConnectedParams,
                rv32.DENSE),
        Variant("neon_dot", ("neon_dot",), neon.dense_dot_fits,
                partial(neon.pack_dense, FullyConnectedNeonParams, dot=True),
                FullyConnectedNeonParams, neon.CONSTS,
                instructions=instructions.dense_neon_dot),
        Variant("neon", ("neon",), neon.dense_fits,
                partial(neon.pack_dense, FullyConnectedNeonParams, dot=False),
                FullyConnectedNeonParams, neon.CONSTS, instructions=instructions.dense_neon),
    )  # fmt: skip
    tflite: ClassVar[tuple[str, ...]] = ("FULLY_CONNECTED",)
    onnx: ClassVar[tuple[str, ...]] = ("Gemm", "MatMul")
    channel_axis = 0
    coupling = "mix"

    @classmethod
    def import_tflite(cls, node: Node, graph: Graph) -> list[Node]:
        weighted.check_operands(node, graph, rank=2)
        require(
            node.attrs["weights_format"] == "DEFAULT",
            "weights in the default format",
            node,
            node.attrs["weights_format"],
        )
        attrs = {
            "activation": node.attrs["fused_activation_function"],
            "keep_num_dims": bool(node.attrs["keep_num_dims"]),
        }
        return [Node(node.name, cls.name, node.inputs, node.outputs, attrs)]

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        if node.op == "Gemm":
            _import_gemm(node, draft)
        else:
            _import_matmul(node, draft)

    @classmethod
    def moved(cls, node: Node, axes: Axes) -> tuple[Mapping[str, Any], Axes] | None:
        if not node.attrs["keep_num_dims"] or axes.axes[-1] != axes.rank - 1:
            return None
        return node.attrs, axes

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        x, w = graph.value(node.inputs[0]), graph.value(node.inputs[1]).shape
        require(x.elements > 0 and x.elements % w[1] == 0, "an input that fills whole vectors", node,
                f"{x.elements} elements for vectors of {w[1]}")  # fmt: skip
        if node.attrs.get("keep_num_dims"):
            return [(*x.shape[:-1], w[0])]
        return [(x.elements // w[1], w[0])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        x = inputs[0]
        w = weighted.real_weights(node, graph, x.dtype)
        bias = weighted.real_bias(node, graph, 0, x.dtype)
        total = x.reshape(-1, w.shape[1]) @ w.T + bias
        return [real_activation(node, total).reshape(cls.shapes(node, graph)[0])]

    @classmethod
    def windows(cls, node: Node, graph: Graph, x: Array) -> Array:
        return x.reshape(1, -1, graph.value(node.inputs[1]).shape[1])

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        int8_pair(node, graph)
        x, w, out = (graph.value(n) for n in (*node.inputs[:2], node.outputs[0]))
        low, high = activation_range(node, out)
        params = FullyConnectedParams(
            batch=x.elements // w.shape[1], in_c=w.shape[1], out_c=w.shape[0],
            output_zero=out.zero_point, out_min=low, out_max=high,
        )  # fmt: skip
        assert w.data is not None
        scales = weighted.effective_scales(node, graph, channel_axis=0)
        consts = weighted.integer_consts(node, graph, w.data, scales)
        op = load_ops()[f"fully_connected{suffix(w)}"]
        return IntNode(node.name, op, params, (x.name,), node.outputs, consts)

    @classmethod
    def run(
        cls, p: FullyConnectedParams, consts: Mapping[str, Array], *inputs: Array
    ) -> list[Array]:
        x = inputs[0].reshape(-1, p.in_c)
        total = exact_matmul(x, consts["weights"]) + consts["bias"]
        scaled = fixed.requantize(total, consts["multiplier"], consts["shift"]) + p.output_zero
        out = fixed.saturate(scaled, p.out_min, p.out_max)
        return [out.reshape(len(inputs[0]), p.batch, p.out_c)]

    @classmethod
    def cost(cls, node: IntNode, values: Mapping[str, Value]) -> Cost:
        p = node.params
        assert isinstance(p, FullyConnectedParams)
        return Cost(macs=p.batch * p.in_c * p.out_c)

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        p = node.params
        assert isinstance(p, FullyConnectedParams)
        total = dot_bounds(node.consts["weights"], inputs[0].regroup(p.in_c))
        return [output_bounds(total, node.consts, p)]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        p, ((x,), (out,)) = node.params, spare
        assert isinstance(p, FullyConnectedParams)
        known = foldable(node.consts["weights"][~out], inputs[0].regroup(p.in_c))
        return Spare([regroup(regroup(x, p.in_c) & known, len(x))], [out])

    @classmethod
    def without(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> IntNode:
        p, weights, ((x,), (out,)) = node.params, node.consts["weights"], spare
        assert isinstance(p, FullyConnectedParams)
        gone = regroup(x, p.in_c)
        bias = folded_bias(node.consts["bias"], weights, inputs[0].regroup(p.in_c), gone)
        consts = without_outputs({**node.consts, "bias": bias}, out)
        consts["weights"] = kept(weights[~out], gone)
        out_c, in_c = consts["weights"].shape
        return replace(node, params=replace(p, in_c=in_c, out_c=out_c), consts=consts)

    @classmethod
    def cases(cls) -> list[Case]:
        from edgekit.cases import weighted_case

        def case(name: str, x: Shape, w: Shape, **options: int | str) -> Case:
            attrs = {
                "activation": options.pop("activation", "NONE"),
                "keep_num_dims": options.pop("keep_num_dims", False),
            }
            return weighted_case(cls, name, x, w, attrs, **options)  # type: ignore[arg-type]

        return [
            case("one_by_one", (1, 1), (1, 1)),
            *(case(f"rows_{o}_taps_{k}", (1, k), (o, k)) for o in (3, 4, 5) for k in (7, 8, 9)),
            *(
                case(f"lanes_{o}_rows_{k}_taps", (1, k), (o, k), smallest=-127, input_zero=z)
                for o, k, z in ((2, 16, -128), (4, 17, 127), (7, 31, 0), (9, 66, -128), (16, 3, 5))
            ),
            case(
                "rounded_once",
                (2, 20),
                (9, 20),
                smallest=-127,
                one_rounding=True,
                activation="RELU",
            ),
            case("batch_of_three", (3, 12), (6, 12), per_channel=False, input_zero=127),
            case("from_a_map", (1, 2, 3, 4), (5, 24), activation="RELU", input_zero=-128),
            case("keep_dims", (1, 5, 6), (4, 6), keep_num_dims=True, bias=False),
            *(
                case(f"groups_{o}_rows_{k}_taps", (b, k), (o, k), input_zero=z)
                for b, o, k, z in ((1, 13, 15, 127), (4, 16, 33, -128), (5, 31, 40, 0))
            ),
        ]


def _import_matmul(node: Node, draft: Draft) -> None:
    """A vector is a matrix of one row, or of one column behind the product."""
    (a, b), output = node.inputs, node.outputs[0]
    shapes = draft.shape(a), draft.shape(b)
    rows, columns = (len(shape) == 1 for shape in shapes)
    if rows:
        a = draft.reshape(node, a, (1, *shapes[0]))
    if columns:
        b = draft.reshape(node, b, (*shapes[1], 1))
    if not rows and not columns:
        _product(node, draft, a, b, output)
        return
    made = _product(node, draft, a, b, "")
    shape = draft.shape(made)
    shape = (*shape[:-2], *(() if rows else shape[-2:-1]), *(() if columns else shape[-1:]))
    draft.reshape(node, made, shape, output)


def _product(node: Node, draft: Draft, a: str, b: str, output: str) -> str:
    """Constant weights of two axes are a dense layer, anything else a product of matrices."""
    if draft.const(b) is None or len(draft.shape(b)) != 2 or draft.const(a) is not None:
        plain = {"adj_x": False, "adj_y": False}
        return draft.add("batch_matmul", node, [a, b], plain, output)
    operands = [a, draft.permute(node, b, (1, 0))]
    attrs = {"activation": "NONE", "keep_num_dims": True}
    return draft.add("fully_connected", node, operands, attrs, output)


def _import_gemm(node: Node, draft: Draft) -> None:
    """alpha * a' * b' + beta * c. A constant c of one row is the layer's bias; another is added."""
    (a, b), bias, output = node.inputs[:2], [*node.inputs[2:], ""][0], node.outputs[0]
    attrs, alpha, beta = node.attrs, *(float(node.attrs.get(k, 1.0)) for k in ("alpha", "beta"))
    a = draft.permute(node, a, (1, 0)) if attrs.get("transA", 0) else a
    b = draft.permute(node, b, (1, 0)) if attrs.get("transB", 0) else b
    channels = draft.shape(b)[1]
    rows = math.prod(draft.shape(bias)) if bias else 0
    inside = bias and draft.const(bias) is not None and rows in (1, channels) and alpha == beta == 1
    if draft.const(b) is not None and draft.const(a) is None and (not bias or inside):
        operands = [a, draft.permute(node, _scaled(node, draft, b, alpha), (1, 0))]
        operands += [_bias(node, draft, bias, channels)] if bias else []
        dense = {"activation": "NONE", "keep_num_dims": False}
        draft.add("fully_connected", node, operands, dense, output)
        return
    made = _product(node, draft, a, _scaled(node, draft, b, alpha), "" if bias else output)
    if bias:
        draft.binary(node, "add", made, _scaled(node, draft, bias, beta), output)


def _bias(node: Node, draft: Draft, name: str, channels: int) -> str:
    value = draft.value(name)
    if value.elements == channels or value.data is None:
        return draft.reshape(node, name, (channels,))
    return draft.constant(
        name, np.broadcast_to(value.data.reshape(1), (channels,)).copy(), value.quant
    )


def _scaled(node: Node, draft: Draft, name: str, factor: float) -> str:
    """The tensor times a number; a constant at once."""
    if factor == 1:
        return name
    real = draft.real(name)
    if real is None:
        number = draft.constant(name, np.asarray(factor, np.float32))
        return draft.binary(node, "mul", name, number)
    return draft.constant(name, (real * factor).astype(np.float32))
