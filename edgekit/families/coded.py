"""Operators whose weights flash holds as a stream of bits: what they share, whatever they compute.

Such a node has a layer's params and constants with `code` and `stream` (see `coding`) in place of `weights`;
what it computes is what its plain operator computes with the decoded ones. Kernels decode a tile of channels,
use it for every row of the call, then decode the next. So the rows of several tiles are made together, and
a stream, which calls for each row, pays for the decoding each time.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from edgekit import instructions
from edgekit.channels import Bounds
from edgekit.families import coding
from edgekit.families.coding import Coded, Format
from edgekit.families.decoding import decoded
from edgekit.graph import Graph, IntNode, Node, Value
from edgekit.op import Array, Const, Op, Params, Variant, c_field, load_ops

STREAM = Const("stream", "uint16_t", "weights, channel by channel, see ek_code.h", weights=True)
CODE = Const("code", "uint16_t", "symbols of each code, see ek_code.h")
TILE_BYTES = 2560  # of decoded weights that a tile of channels should have at most
_LEAST = 8  # channels of a tile, however long: each tile goes through all windows once more


@dataclass(frozen=True)
class CodeParams(Params):
    window: int = c_field("int32_t", "bits that a code's longest word has")
    low: int = c_field("int32_t", "bits of a value behind its word")
    group: int = c_field("int32_t", "taps that share places, 0 where tokens have none")
    place_bits: int = c_field("int32_t", "bits of a place")
    kept: int = c_field("int32_t", "tokens of a group")
    span: int = c_field("int32_t", "channels that share a code")
    sparse: int = c_field("int32_t", "whether tokens leave out zeros")
    tile: int = c_field("int32_t", "channels that are decoded together")
    # Of the whole stream, to estimate what decoding costs.
    tokens: int = 0
    words: int = 0
    coded_channels: int = 0

    @property
    def format(self) -> Format:
        return Format(self.window, self.low, self.group, self.kept, self.span)


class CodedOp(Op):
    """Base of these operators, to be listed before the plain one; has no name of its own."""

    as_rows = ""
    variants: ClassVar[tuple[Variant, ...]] = ()
    tflite: ClassVar[tuple[str, ...]] = ()
    onnx: ClassVar[tuple[str, ...]] = ()
    instead: ClassVar[Mapping[str, str]] = {}
    # Channels in a tile are a multiple of it; fewer that are left join the last one.
    multiple: ClassVar[int] = 2

    @classmethod
    def rows(cls, weights: Array) -> Array:
        """A plain operator's weights as [channels, taps]."""
        return weights.reshape(len(weights), -1)

    @classmethod
    def layout(cls, p: Any, rows: Array) -> Array:
        """The reverse."""
        raise NotImplementedError

    @classmethod
    def taps(cls, p: Any) -> int:
        raise NotImplementedError

    @classmethod
    def suits(cls, node: IntNode) -> bool:
        """Whether it can do what a node of the plain operator does."""
        raise NotImplementedError

    @classmethod
    def decoded(cls, p: Any, consts: Mapping[str, Array]) -> Array:
        """Weights [channels, taps], from the bytes that flash holds."""
        shape = (p.coded_channels, cls.taps(p))
        return decoded(p.format, consts["code"], consts["stream"], *shape)

    @classmethod
    def plain(cls, p: Any, consts: Mapping[str, Array]) -> dict[str, Array]:
        """The constants of the plain operator."""
        own = {k: v for k, v in consts.items() if k not in ("code", "stream")}
        return {**own, "weights": cls.layout(p, cls.decoded(p, consts))}

    @classmethod
    def of_plain(cls, node: IntNode, coded: Coded) -> IntNode:
        """The node of the plain operator with its weights as a stream."""
        rows, fmt = cls.rows(node.consts["weights"]), coded.format
        sparse = fmt.group > 0 or bool((coded.code >> 12).any())
        made = cls.Params(
            **dataclasses.asdict(node.params), window=fmt.window, low=fmt.low, group=fmt.group,
            place_bits=fmt.place_bits, kept=fmt.kept, span=fmt.span, sparse=int(sparse),
            tile=_tile(rows.shape, cls.multiple), tokens=coded.tokens, words=coded.stream.size, coded_channels=len(rows),
        )  # type: ignore[call-arg]  # fmt: skip
        consts = {k: v for k, v in node.consts.items() if k != "weights"}
        consts |= {"code": coded.code, "stream": coded.stream}
        return replace(node, op=cls, params=made, consts=consts)

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        plain = super().quantize(node, graph)
        return cls.of_plain(plain, coding.best(cls.rows(plain.consts["weights"])))

    @classmethod
    def run(cls, p: Any, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        return super().run(p, cls.plain(p, consts), *inputs)

    @classmethod
    def bounds(cls, node: IntNode, values: Mapping[str, Value], *inputs: Bounds) -> list[Bounds]:
        plain = replace(node, consts=cls.plain(node.params, node.consts))
        return super().bounds(plain, values, *inputs)

    @classmethod
    def together(cls, p: Any) -> bool:
        """With several tiles the first rows are not finished before the last are begun."""
        return bool(p.coded_channels >= p.tile + cls.multiple)

    @classmethod
    def unpacking(cls, p: Any) -> int:
        return instructions.decoding(p)


def _tile(shape: Sequence[int], multiple: int) -> int:
    """Channels of a tile: even shares, a multiple of `multiple`, of about `TILE_BYTES` at most."""
    channels, taps = shape
    most = max(_LEAST, TILE_BYTES // max(taps, 1) // multiple * multiple)
    tiles = -(-channels // most)
    return -(-channels // tiles // multiple) * multiple


def coded_op(node: IntNode) -> type[CodedOp] | None:
    """The operator that does the same on a stream, None where there is none."""
    found = load_ops().get(f"{node.op.name.removesuffix('_w4')}_coded")
    if found is None or not issubclass(found, CodedOp):
        return None
    return found if found.suits(node) else None
