"""Images: from the bytes of a camera to the size, colours and numbers that a network takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.families.resize import positions
from edgekit.graph import Node, Quant, Value
from edgekit.ops.channel_table import ChannelTable
from edgekit.ops.pixels import FORMATS
from edgekit.preprocess.chain import Chain
from edgekit.preprocess.spec import Spec

_MOST = 8192
_PIXEL = Quant((1.0,), (-128,))  # int8 that stands for 0..255


@dataclass(frozen=True)
class Image(Spec):
    """A picture of `height` rows and `width` columns to the network's own size and numbers.

    format: a key of `FORMATS`; video_range: YUV with black at 16 and white at 235. crop: (top, left,
    height, width) of the part that is used, or fit "crop" for the largest part in the middle that has the
    network's proportions; what is left is resized, "bilinear" (without smoothing) or "nearest". The network's
    input is (byte * scale - mean) / std, mean and std being one number or one a channel.
    """

    called: ClassVar[str] = "image"

    width: int
    height: int
    format: str = "rgb888"
    video_range: bool = False
    crop: tuple[float, ...] = ()
    fit: str = "stretch"
    resize: str = "bilinear"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        self.demand_types()
        for key in ("width", "height"):
            self.demand(1 <= getattr(self, key) <= _MOST, key, f"1 to {_MOST} pixels")
        for key, known in (("format", tuple(FORMATS)), ("fit", ("stretch", "crop")),
                           ("resize", ("bilinear", "nearest"))):  # fmt: skip
            self.demand(getattr(self, key) in known, key, f"one of {', '.join(known)}")
        yuv = self.format in ("yuyv", "uyvy")
        self.demand(not yuv or self.width % 2 == 0, "width", "an even number of YUV pixels")
        self.demand(yuv or not self.video_range, "video_range", "false for another format than YUV")
        self.demand(
            self._inside(), "crop", "top, left, height and width of a part inside the picture"
        )
        self.demand(not self.crop or self.fit == "stretch", "fit", "stretch where there is a crop")
        self.demand(self.scale != 0, "scale", "another number than 0")
        for key in ("mean", "std"):
            self.demand(
                len(getattr(self, key)) in (1, 3), key, "one number, or one for each of 3 channels"
            )
        self.demand(all(x > 0 for x in self.std), "std", "numbers above 0")

    def _inside(self) -> bool:
        if not self.crop:
            return True
        whole = len(self.crop) == 4 and all(x == int(x) >= 0 for x in self.crop)
        if not whole:
            return False
        top, left, height, width = self.crop
        return min(height, width) > 0 and top + height <= self.height and left + width <= self.width

    def numbers(self) -> Quant | None:
        """The scale and zero point with which the network's input is the bytes less 128: normalising
        then is nothing but numbers of the first layer. None where no zero point is exact."""
        factors, sums = map(set, self._affine(3))
        if len(factors) > 1 or len(sums) > 1:
            return None
        (factor,), (add,) = factors, sums
        zero, scale = -128 - add / factor, float(np.float32(factor))
        exact = abs(zero - round(zero)) < 1e-6 and -128 <= round(zero) <= 127 and scale > 0
        return Quant((scale,), (round(zero),)) if exact else None

    def write(self, chain: Chain) -> None:
        height, width, channels = self._wanted(chain)
        top, left, rows, columns = self._part(height, width)
        raw = chain.input((1, self.height, self.width, FORMATS[self.format][1]), "uint8", 1.0)
        node = self._normalising(channels)
        same = (rows, columns) == (height, width)
        folded = self._is_identity(node, chain.target)
        quant = chain.target.quant if folded else _PIXEL

        def tensor(what: str, shape: tuple[int, ...], last: bool) -> Value:
            return chain.target if folded and last else chain.numbered(what, shape, "int8", quant)

        pixels = tensor("pixels", (1, rows, columns, channels), same)
        chain.add("pixels", [raw], pixels, format=self.format, video=self.video_range, top=top,
                  left=left, height=rows, width=columns, channels=channels)  # fmt: skip
        if not same:
            sized = tensor("resized", (1, height, width, channels), True)
            places = {"rows": self._places(rows, height), "columns": self._places(columns, width)}
            pixels = chain.add(f"resize_{self.resize}", [pixels], sized, **places)
        if not folded:
            chain.add("channel_table", [pixels], chain.target, **node.attrs)

    def _wanted(self, chain: Chain) -> tuple[int, int, int]:
        """Height, width and channels of the network's input."""
        shape = chain.target.shape
        fits = len(shape) == 4 and shape[0] == 1 and shape[3] in (1, 3)
        fits = fits and max(len(self.mean), len(self.std)) in (1, shape[3])
        if not fits or chain.target.dtype not in ("int8", "float32"):
            raise EdgekitError(
                "EK205", "the preprocessing does not make what the network takes",
                where=f"input {chain.name}",
                found=f"{chain.target.dtype} {'x'.join(map(str, shape))}, wanted int8 1xHxWx1 or 1xHxWx3, and "
                      "mean and std for its channels",
                help="an image needs a network on images",
            )  # fmt: skip
        return shape[1], shape[2], shape[3]

    def _part(self, height: int, width: int) -> tuple[int, int, int, int]:
        """top, left, height and width of what is used of the picture."""
        if self.crop:
            top, left, rows, columns = map(int, self.crop)
            return top, left, rows, columns
        rows, columns = self.height, self.width
        if self.fit == "crop":
            rows = min(rows, max(1, round(columns * height / width)))
            columns = min(columns, max(1, round(rows * width / height)))
        return (self.height - rows) // 2, (self.width - columns) // 2, rows, columns

    def _places(self, size: int, out: int) -> tuple[int, ...]:
        """Where the middle of each cell of the result lies in the picture."""
        at = (np.arange(out) + 0.5) * (size / out) - 0.5
        if self.resize == "bilinear":
            return positions(at, size)
        return tuple(int(v) for v in np.clip(np.floor(at + 0.5), 0, size - 1))

    def _affine(self, channels: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """factor and add of each channel: real = byte * factor + add."""
        mean, std = (v * channels if len(v) == 1 else v for v in (self.mean, self.std))
        factor = tuple(self.scale / s for s in std)
        return factor, tuple(-m / s for m, s in zip(mean, std, strict=True))

    def _normalising(self, channels: int) -> Node:
        factor, add = self._affine(channels)
        return Node("normalise", "channel_table", (), (), {"factor": factor, "add": add})

    def _is_identity(self, node: Node, target: Value) -> bool:
        """Does normalising leave the integers as they are?"""
        if target.dtype != "int8" or target.quant is None:
            factor, add = node.attrs["factor"], node.attrs["add"]
            return set(factor) == {1.0} and not any(add)
        pixel = Value("pixel", (), "int8", _PIXEL)
        return bool((ChannelTable.table(node, pixel, target) == np.arange(-128, 128)).all())
