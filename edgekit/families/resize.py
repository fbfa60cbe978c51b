"""What the resizing operators share: where an output cell lies in the input, per source format."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgekit.families.evaluation import linear
from edgekit.families.movement import constant
from edgekit.families.window import channels_first, spatial
from edgekit.fixed import round_half_away
from edgekit.graph import Graph, Node
from edgekit.op import require

if TYPE_CHECKING:
    from edgekit.draft import Draft

ONE = 1 << 10  # positions are fixed-point numbers of 10 fraction bits
_MOST = 2**15 - 1
_KINDS = ("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners")


def tflite_sizes(node: Node, graph: Graph) -> list[tuple[int, int]]:
    """(input size, output size) of rows and columns."""
    size, shape = constant(node, graph, 1), graph.value(node.inputs[0]).shape
    require(len(shape) == 4 and shape[0] == 1, "an input of shape [1, H, W, C]", node, shape)
    require(len(size) == 2 and all(0 < n <= _MOST for n in (*size, *shape[1:3])),
            "two sizes from 1 to 32767", node, (size, shape))  # fmt: skip
    return list(zip(shape[1:3], size, strict=True))


def import_onnx(node: Node, draft: Draft) -> None:
    """ONNX Resize and Upsample of images and of series: the canonical operator that `mode` asks for, or a
    dense layer where that does not know the coordinates or the weights."""
    if not _has_kernel(node, draft):
        same = draft.source.value(node.outputs[0]).shape[:2] == draft.shape(node.inputs[0])[:2]
        cropped = node.attrs.get("coordinate_transformation_mode") == "tf_crop_and_resize"
        linear(node, draft, lead=2 if same and not cropped else 0)
        return
    x, out = draft.shape(node.inputs[0]), draft.source.value(node.outputs[0]).shape
    mode, a = node.attrs.get("mode", "nearest"), node.attrs
    require(mode in ("nearest", "linear"), "mode nearest or linear", node, mode)
    require(not a.get("antialias", 0) and not a.get("exclude_outside", 0),
            "no antialias and no exclude_outside", node, dict(a))  # fmt: skip
    require(len(x) in (3, 4) and len(out) == len(x) and out[:2] == x[:2],
            "an input of shape [1, C, L] or [1, C, H, W] whose C stays", node, (x, out))  # fmt: skip
    require(
        all(0 < n <= _MOST for n in (*x[2:], *out[2:])), "sizes from 1 to 32767", node, (x, out)
    )
    scales = _scales(node, draft, x, out)
    places = [
        _places(node, mode, n, m, scale)
        for n, m, scale in zip(x[2:], out[2:], scales[2:], strict=True)
    ]
    rows, columns = places if len(places) == 2 else (places[0], (0,))
    op = "resize_nearest" if mode == "nearest" else "resize_bilinear"
    data = spatial(node, draft, node.inputs[0])
    made = draft.add(op, node, [data], {"rows": rows, "columns": columns})
    channels_first(node, draft, made, len(x))


def _has_kernel(node: Node, draft: Draft) -> bool:
    a, shape = node.attrs, draft.shape(node.inputs[0])
    whole = draft.source.value(node.outputs[0]).shape[:2] == shape[:2] and shape[0] == 1
    plain_mode = a.get("mode", "nearest") in ("nearest", "linear")
    kind = a.get("coordinate_transformation_mode", "half_pixel")
    weighted = a.get("antialias", 0) or a.get("exclude_outside", 0)
    return bool(
        whole and plain_mode and kind in _KINDS and not weighted and _fills(node, draft, kind)
    )


def _fills(node: Node, draft: Draft, kind: str) -> bool:
    """Aligned corners are those of the output's size before it is rounded down to whole cells."""
    given = draft.const(node.inputs[2]) if len(node.inputs) > 2 and node.inputs[2] else None
    if kind != "align_corners" or given is None or len(given) != len(draft.shape(node.inputs[0])):
        return True
    sizes = np.asarray(draft.shape(node.inputs[0])) * given
    return bool(np.all(np.abs(sizes - np.rint(sizes)) < 1e-3))


def _scales(node: Node, draft: Draft, x: tuple[int, ...], out: tuple[int, ...]) -> list[float]:
    """Output size over input size of each axis, as given: an attribute, or operand 1 or 2."""
    axes = [int(axis) % len(x) for axis in node.attrs.get("axes", range(len(x)))]
    scales = [m / n for n, m in zip(x, out, strict=True)]
    given: Any = node.attrs.get("scales")
    if given is None:
        index = 1 if len(node.inputs) == 2 else 2
        name = node.inputs[index] if index < len(node.inputs) else ""
        given = draft.const(name)
        require(not name or given is not None, "constant scales", node, name)
    if given is not None and len(given):
        require(len(given) == len(axes), "one scale per axis", node, list(given))
        for axis, scale in zip(axes, given, strict=True):
            scales[axis] = float(scale)
    require(min(scales) > 0, "scales above 0", node, scales)
    return scales


def _places(node: Node, mode: str, size: int, out: int, scale: float) -> tuple[int, ...]:
    """Input indices (nearest) or positions in 1/1024 (linear) of the outputs along one axis.

    Coordinates in float32, as onnxruntime computes them.
    """
    old = node.op == "Upsample" or len(node.inputs) == 2
    kind = node.attrs.get("coordinate_transformation_mode", "asymmetric" if old else "half_pixel")
    require(kind in _KINDS, "a coordinate_transformation_mode of " + ", ".join(_KINDS), node, kind)
    index, half, ratio = np.arange(out, dtype=np.float32), np.float32(0.5), np.float32(scale)
    if kind == "align_corners":
        at = index * np.float32(size - 1) / np.float32(max(out - 1, 1))
    elif kind == "asymmetric":
        at = index / ratio
    elif kind == "pytorch_half_pixel" and out == 1:
        at = np.zeros(1, np.float32)
    else:
        at = (index + half) / ratio - half
    if mode == "linear":
        return positions(at, size)
    kind = node.attrs.get("nearest_mode", "floor" if old else "round_prefer_floor")
    rules: dict[str, Callable[[Any], Any]] = {
        "floor": np.floor,
        "ceil": np.ceil,
        "round_prefer_floor": lambda v: np.ceil(v - half),
        "round_prefer_ceil": lambda v: np.floor(v + half),
    }
    require(kind in rules, "a nearest_mode of " + ", ".join(rules), node, kind)
    return tuple(int(v) for v in np.clip(rules[kind](at), 0, size - 1))


def positions(at: NDArray[Any], size: int) -> tuple[int, ...]:
    """Real coordinates as positions in 1/1024, inside the input."""
    fixed = round_half_away(np.asarray(at, np.float64) * ONE)
    return tuple(int(v) for v in np.clip(fixed, 0, ONE * (size - 1)))
