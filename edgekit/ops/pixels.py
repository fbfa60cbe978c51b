"""Pixels of a camera to colour channels: a part of the picture, one byte a channel.

    out[y, x] = channels of the pixel at (top + y, left + x), less 128

| format | bytes of a pixel | channels before rounding |
|---|---|---|
| rgb888, bgr888 | three | as they are |
| rgb565, rgb565_swapped | two, the low or the high one first | v 8 + floor(v / 4) of five bits, v 4 + floor(v / 16) of six |
| yuyv, uyvy | two, U and V shared by two pixels | Y' + c V', Y' - d U' - e V', Y' + f U' |
| grey | one | that one |

Y' = y_gain (Y - y_black), U' = U - 128, V' = V - 128, coefficients of BT.601 in Q14, of full or of video range; the
sums are rounded, floor((v + 2^13) / 2^14), and clamped to 0..255. One channel out of three is
floor((77 R + 150 G + 29 B + 128) / 256), of YUV it is Y' alone; three of grey are the same byte. Input uint8
[1, H, W, bytes], output int8 [1, h, w, C] with scale 1 and zero point -128.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgekit.cases import activation, single
from edgekit.graph import Graph, IntNode, Node
from edgekit.op import Array, Case, Op, Params, Shape, c_field, require

# Number in the kernel, bytes of a pixel.
FORMATS = {
    "rgb888": (0, 3), "bgr888": (1, 3), "rgb565": (2, 2), "rgb565_swapped": (3, 2),
    "yuyv": (4, 2), "uyvy": (5, 2), "grey": (6, 1),
}  # fmt: skip
_YUV = ("yuyv", "uyvy")
# BT.601: gain of Y, black level of Y, V to red, U and V to green, U to blue; Q14.
_FULL = (16384, 0, 22970, 5638, 11700, 29032)
_VIDEO = (19077, 16, 26149, 6419, 13320, 33050)
_LUMA = np.array([77, 150, 29])


@dataclass(frozen=True)
class PixelsParams(Params):
    rows: int
    format: int = c_field(
        "int32_t", "0 rgb888, 1 bgr888, 2 rgb565, 3 swapped, 4 yuyv, 5 uyvy, 6 grey"
    )
    in_w: int = c_field("int32_t", "pixels of a row of the input")
    top: int = c_field("int32_t", "first row of the part")
    left: int = c_field("int32_t", "first column of the part")
    width: int = c_field("int32_t", "columns of the part")
    channels: int = c_field("int32_t", "1 or 3")
    y_gain: int = c_field("int32_t", "of YUV, Q14")
    y_black: int = c_field("int32_t", "of YUV")
    v_red: int = c_field("int32_t", "of YUV, Q14, and so on")
    u_green: int = c_field("int32_t", "taken from green")
    v_green: int = c_field("int32_t", "taken from green")
    u_blue: int = c_field("int32_t", "added to blue")

    def reads(self, row: int) -> range:
        return range(self.top + row, self.top + row + 1)

    def strip(self, rows: range, inputs: range) -> PixelsParams:
        return replace(self, rows=len(rows), top=self.top + rows.start - inputs.start)


class Pixels(Op):
    """Canonical attributes: `format`, `video` (range of YUV), and `top`, `left`, `height`, `width`, `channels`."""

    name = "pixels"
    kernel = "pixels"
    signature = "rows"
    Params = PixelsParams
    coupling = "move"
    tolerance = 1.6  # floors of the expansion and of the luma
    saturation = 0.5

    @classmethod
    def shapes(cls, node: Node, graph: Graph) -> list[Shape]:
        a, (_, height, width, size) = node.attrs, graph.value(node.inputs[0]).shape
        require(size == FORMATS[a["format"]][1], "the bytes of a pixel", node, (a["format"], size))
        inside = a["top"] + a["height"] <= height and a["left"] + a["width"] <= width
        require(inside and min(a["top"], a["left"]) >= 0 < min(a["height"], a["width"]),
                "a part inside the picture", node, dict(a))  # fmt: skip
        require(a["format"] not in _YUV or width % 2 == 0, "an even width of YUV", node, width)
        require(a["channels"] in (1, 3), "one or three channels", node, a["channels"])
        return [(1, a["height"], a["width"], a["channels"])]

    @classmethod
    def real(cls, node: Node, graph: Graph, *inputs: Array) -> list[Array]:
        a = node.attrs
        part = _real_channels(inputs[0], a["format"], a["video"], a["channels"])
        part = part[:, a["top"] : a["top"] + a["height"], a["left"] : a["left"] + a["width"]]
        return [np.clip(part, 0, 255)]

    @classmethod
    def quantize(cls, node: Node, graph: Graph) -> IntNode:
        a, x, out = node.attrs, graph.value(node.inputs[0]), graph.value(node.outputs[0])
        types = (x.dtype, out.dtype)
        require(types == ("uint8", "int8"), "uint8 pixels, int8 channels", node, types)
        params = PixelsParams(
            a["height"], FORMATS[a["format"]][0], x.shape[2], a["top"], a["left"], a["width"],
            a["channels"], *(_VIDEO if a["video"] else _FULL),
        )  # fmt: skip
        return IntNode(node.name, cls, params, node.inputs, node.outputs)

    @classmethod
    def run(cls, p: PixelsParams, consts: Mapping[str, Array], *inputs: Array) -> list[Array]:
        name = list(FORMATS)[p.format]
        x = inputs[0].reshape(len(inputs[0]), -1, p.in_w, FORMATS[name][1]).astype(np.int64)
        channels = _channels(x[:, p.top : p.top + p.rows], name, p)
        part = channels[:, :, p.left : p.left + p.width]
        return [(part - 128).astype(np.int8)[:, None]]

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, size: Shape, part: Shape, channels: int, **more: bool) -> Case:
            kind = name.removesuffix("_video").removesuffix("_one").removesuffix("_three")
            top, left, height, width = part
            x = activation("input", (1, *size, FORMATS[kind][1]), 1.0, dtype="uint8")
            out = activation("output", (1, height, width, channels), 1.0, -128)
            attrs = {"format": kind, "video": False, "top": top, "left": left, "height": height,
                     "width": width, "channels": channels} | more  # fmt: skip
            return single(cls, name, [x], [out], attrs)

        return [
            case("rgb888", (3, 5), (1, 2, 2, 3), 3),
            case("bgr888_one", (2, 4), (0, 0, 2, 4), 1),
            case("rgb565", (4, 5), (0, 1, 3, 4), 3),
            case("rgb565_swapped_one", (3, 3), (1, 1, 1, 1), 1),
            case("yuyv", (4, 6), (1, 1, 3, 4), 3),
            case("uyvy_video", (3, 4), (0, 0, 3, 4), 3, video=True),
            case("yuyv_one", (2, 6), (0, 3, 2, 3), 1),
            case("uyvy_one_video", (2, 4), (0, 0, 2, 4), 1, video=True),
            case("grey", (3, 3), (0, 0, 2, 3), 1),
            case("grey_three", (3, 2), (0, 0, 3, 2), 3),
        ]


def _channels(x: Array, name: str, p: PixelsParams) -> Array:
    """[N, H, W, bytes] to [N, H, W, channels], whole numbers 0..255."""
    if name in _YUV:
        return _of_yuv(x, name, p)
    if name.startswith("rgb565"):
        low = int(name.endswith("swapped"))
        word = x[..., low] + 256 * x[..., 1 - low]
        five = [(v << 3) | (v >> 2) for v in (word >> 11, word & 31)]
        six = (word >> 5) & 63
        x = np.stack([five[0], (six << 2) | (six >> 4), five[1]], axis=-1)
    elif name == "bgr888":
        x = x[..., ::-1]
    if p.channels == 1 and x.shape[-1] == 3:
        return np.asarray((x @ _LUMA + 128) >> 8)[..., None]
    return np.broadcast_to(x, (*x.shape[:-1], p.channels))


def _of_yuv(x: Array, name: str, p: PixelsParams) -> Array:
    first = int(name == "uyvy")
    grey = p.y_gain * (x[..., first] - p.y_black) + (1 << 13)
    u, v = (np.repeat(x[:, :, i::2, 1 - first], 2, axis=2) - 128 for i in (0, 1))
    colours = [grey + p.v_red * v, grey - p.u_green * u - p.v_green * v, grey + p.u_blue * u]
    sums = np.stack(colours if p.channels == 3 else [grey], axis=-1)
    return np.asarray(np.clip(sums >> 14, 0, 255))


def _real_channels(x: Array, name: str, video: bool, channels: int) -> Array:
    """The same in real numbers."""
    if name in _YUV:
        first = int(name == "uyvy")
        scale, black, chroma = (255 / 219, 16, 255 / 224) if video else (1, 0, 1)
        grey = scale * (x[..., first] - black)
        u, v = (chroma * (np.repeat(x[:, :, i::2, 1 - first], 2, axis=2) - 128) for i in (0, 1))
        green = grey - (0.114 * 1.772 * u + 0.299 * 1.402 * v) / 0.587
        colours = [grey + 1.402 * v, green, grey + 1.772 * u]
        return np.stack(colours if channels == 3 else [grey], axis=-1)
    if name.startswith("rgb565"):
        low = int(name.endswith("swapped"))
        word = x[..., low] + 256 * x[..., 1 - low]
        fields = [word // 2048, word // 32 % 64, word % 32]
        x = np.stack(
            [v * 255 / most for v, most in zip(fields, (31, 63, 31), strict=True)], axis=-1
        )
    elif name == "bgr888":
        x = x[..., ::-1]
    if channels == 1 and x.shape[-1] == 3:
        return np.asarray(x @ [0.299, 0.587, 0.114])[..., None]
    return np.broadcast_to(x, (*x.shape[:-1], channels))
