"""What operators that keep every byte in its order share: one kernel, which a plan often drops.

    out = in

Reshaping and access to variables are copies in memory, and no work at all where the output may live
in the input's storage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgekit.channels import Bounds, Spare, channels
from edgekit.graph import DTYPES, Graph, IntNode, Node, Value
from edgekit.op import Alias, Array, Op, Params, Shape, c_field


@dataclass(frozen=True)
class CopyParams(Params):
    width: int = c_field("int32_t", "bytes of an element")


class Copy(Op):
    """Base of the copying operators; has no name of its own."""

    kernel = "copy"
    signature = "flat"
    Params = CopyParams
    coupling = "move"
    elementwise = True
    same_scale = True

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        return [graph.value(node.inputs[0]).shape]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        return [inputs[0]]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        params = CopyParams(DTYPES[graph.value(node.inputs[0]).dtype])
        return IntNode(node.name, cls, params, node.inputs[:1], node.outputs)

    @classmethod
    def run(cls, p: CopyParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return [inputs[0]]

    @classmethod
    def aliases(cls, node: IntNode, values: Mapping[str, Value]) -> list[Alias]:
        return [Alias(node.outputs[0], node.inputs[0], 0)]

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        return [inputs[0].regroup(channels(values[node.outputs[0]]))]

    @classmethod
    def spare(cls, node: IntNode, inputs: Sequence[Bounds], spare: Spare) -> Spare:
        return spare.tied()
