"""Sum over any axes (SUM).

out = clamp(requantize(sum over the axes of in - count * zero_in, scale_in / scale_out) + zero_out)
"""

from __future__ import annotations

from edgekit.cases import activation, single
from edgekit.op import Case, Shape
from edgekit.ops.mean import Mean


class Total(Mean):
    name = "total"
    wide = "total_s16"
    tflite = ("SUM",)
    onnx = ("ReduceSum",)
    keeps_range = False
    averages = False

    @classmethod
    def cases(cls) -> list[Case]:
        def case(name: str, x: Shape, axes: list[int], y: Shape, scale: float) -> Case:
            tensors = activation("input", x, 0.1, 3), activation("output", y, scale, -5)
            attrs = {"axes": axes, "keep_dims": False}
            return single(cls, name, [tensors[0]], [tensors[1]], attrs)

        return [
            case("pixels", (1, 5, 6, 8), [1, 2], (1, 8), 1.1),
            case("channels", (1, 3, 4, 9), [3], (1, 3, 4), 0.4),
            case("one_element", (1, 1, 4), [1], (1, 4), 0.15),
        ]
