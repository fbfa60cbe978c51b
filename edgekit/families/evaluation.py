"""What an ONNX operator does to one operand, found by letting ONNX's own evaluator do it.

An operator that only moves elements is a table of where each came from; one that is linear in the
operand is a matrix. All its other operands are constants.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Node
from edgekit.op import Array, Shape, require

if TYPE_CHECKING:
    from edgekit.draft import Draft

_MOST = 1 << 20  # elements of a table of sources
_WEIGHTS = 1 << 17  # numbers of a matrix


class Evaluator:
    """One node with some operands open."""

    def __init__(self, node: Node, draft: Draft, *open_: int) -> None:
        self.node, self.names, self.draft = node, [node.inputs[i] for i in open_], draft
        for i, name in enumerate(node.inputs):
            require(i in open_ or not name or draft.const(name) is not None,
                    f"a constant operand {i}", node, name)  # fmt: skip
        self.shapes = [draft.shape(name) for name in self.names]
        self._session = _session(node, draft.source.opset)

    def __call__(self, *operands: Array) -> Array:
        """The first output for them. Raises EK105 where the operator cannot be evaluated."""
        feeds = {n: self.draft.real(n) for n in self.node.inputs if n}
        feeds |= dict(zip(self.names, operands, strict=True))
        try:
            return np.asarray(self._session.run(None, feeds)[0])
        except Exception as broken:
            raise EdgekitError(
                "EK105", f"the operands do not fit {self.node.op}", where=f"node {self.node.name}",
                found=str(broken)[:200], help="export the model again",
            ) from None  # fmt: skip


def _session(node: Node, opset: int) -> Any:
    from onnx import TensorProto, helper
    from onnx.reference import ReferenceEvaluator

    made = helper.make_node(node.op, node.inputs, node.outputs, **dict(node.attrs))
    inputs = [
        helper.make_tensor_value_info(n, TensorProto.UNDEFINED, None) for n in node.inputs if n
    ]
    outputs = [helper.make_tensor_value_info(node.outputs[0], TensorProto.UNDEFINED, None)]
    graph = helper.make_graph([made], "node", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    return ReferenceEvaluator(model)


def moved(node: Node, draft: Draft, *open_: int) -> None:
    """Write an operator that only moves the elements of some operands, or puts zeros between them."""
    evaluate, first, numbers = Evaluator(node, draft, *open_), 1, []
    for shape in evaluate.shapes:
        numbers.append(np.arange(first, first + math.prod(shape), dtype=np.float64).reshape(shape))
        first += math.prod(shape)
    require(first <= _MOST, f"at most {_MOST} elements", node, first)
    sources = np.asarray(evaluate(*numbers), np.int64) - 1
    rearranged(node, draft, evaluate.names, sources, node.outputs[0])


def rearranged(node: Node, draft: Draft, names: list[str], sources: Array, output: str = "") -> str:
    """A tensor made of the elements of others: `sources` are their numbers, counted through the others
    one after the other in their own order, -1 for 0."""
    flat = [draft.reshape(node, name, (math.prod(draft.shape(name)),)) for name in names]
    total = sum(math.prod(draft.shape(name)) for name in names)
    run = _run(sources.reshape(-1), total)
    if (sources < 0).any():
        flat.append(draft.constant(node.outputs[0], np.zeros(run, _zero_type(draft, names[0]))))
        sources = np.where(sources < 0, total, sources)
        total += run
    joined = flat[0] if len(flat) == 1 else draft.add("concat", node, flat, {"axis": 0})
    rows = draft.reshape(node, joined, (total // run, run))
    indices = draft.constant(node.outputs[0], (sources.reshape(-1)[::run] // run).astype(np.int32))
    attrs = {"axis": 0, "batch": 0, "tuples": False}
    made = draft.add("gather", node, [rows, indices], attrs)
    return draft.reshape(node, made, sources.shape, output)


def _zero_type(draft: Draft, name: str) -> str:
    value = draft.value(name)
    return "float32" if value.quant is not None else value.dtype


def _run(sources: Array, total: int) -> int:
    """How many elements stay together everywhere: the largest divisor of both sizes."""
    steps = np.arange(len(sources))
    for run in range(math.gcd(len(sources), total), 1, -1):
        if len(sources) % run or total % run:
            continue
        first = sources[::run].repeat(run)
        follows = np.where(first < 0, -1, first + steps % run)
        if np.array_equal(sources, follows) and not (first[first >= 0] % run).any():
            return run
    return 1


def linear(node: Node, draft: Draft, index: int = 0, lead: int = 0) -> None:
    """Write an operator that is linear in an operand as a dense layer; along its first `lead` axes it
    does the same with each index, whatever the others are."""
    evaluate = Evaluator(node, draft, index)
    (shape,), out = evaluate.shapes, draft.source.value(node.outputs[0]).shape
    rows, depth, wide = math.prod(shape[:lead]), math.prod(shape[lead:]), math.prod(out[lead:])
    require(depth * wide <= _WEIGHTS, f"at most {_WEIGHTS} weights as a matrix", node, depth * wide)
    weights, bias = _matrix(evaluate, shape, lead, depth)
    x = draft.reshape(node, node.inputs[index], (rows, depth))
    operands = [
        x,
        *(draft.constant(node.outputs[0], a.astype(np.float32)) for a in (weights, bias)),
    ]
    attrs = {"activation": "NONE", "keep_num_dims": False}
    made = draft.add("fully_connected", node, operands, attrs)
    draft.reshape(node, made, out, node.outputs[0])


def _matrix(evaluate: Evaluator, shape: Shape, lead: int, depth: int) -> tuple[Array, Array]:
    """Weights [outputs, depth] and what comes of zeros, along the first index of the leading axes."""
    first = (0,) * lead

    def answer(x: Array) -> Array:
        return np.asarray(evaluate(x)[first].reshape(-1), np.float64)

    bias = answer(np.zeros(shape, np.float32))
    weights = np.zeros((len(bias), depth))
    for i in range(depth):
        x = np.zeros(shape, np.float32)
        x[first].reshape(-1)[i] = 1
        weights[:, i] = answer(x) - bias
    return weights, bias
