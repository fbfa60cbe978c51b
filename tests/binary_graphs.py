"""Random networks of signs and layers of signs, as canonical graphs with int8 numbers."""

from __future__ import annotations

import numpy as np

from edgekit.families.window import Axis, window_attrs
from edgekit.graph import Graph, IntGraph, Node, Quant, Value
from edgekit.lowering import lower
from edgekit.op import load_ops

CHANNELS = (16, 31, 32, 33, 64)


class Signs:
    """Grows a network from an input [1, H, W, C]; every method returns the name of what it adds."""

    def __init__(self, seed: int, shape: tuple[int, ...]) -> None:
        self.rng = np.random.default_rng(seed)
        self.values = {"x": Value("x", shape, "int8", Quant((0.05,), (3,)))}
        self.nodes: list[Node] = []

    def shape(self, name: str) -> tuple[int, ...]:
        return self.values[name].shape

    def add(self, op: str, inputs: list[str], quant: Quant, **attrs: object) -> str:
        name = f"{op}_{len(self.nodes)}"
        node = Node(name, op, tuple(inputs), (name,), attrs)
        (shape,) = load_ops()[op].shapes(node, Graph("", self.values, (), (), ()))
        self.values[name] = Value(name, shape, "int8", quant)
        self.nodes.append(node)
        return name

    def sign(self, x: str, *, low: float = -1.0, mixed: bool = False) -> str:
        """A step at 0, or, `mixed`, edges and directions of each channel."""
        count = self.shape(x)[-1]
        edge, rising = (0.0,), (True,)
        if mixed:
            edge = tuple(self.rng.normal(0, 1.5, count).tolist())
            rising = tuple((self.rng.random(count) < 0.7).tolist())
        return self.add("binarize", [x], Quant((1.0,), (0,)), edge=edge, rising=rising, low=low)

    def constant(self, data: np.ndarray, quant: Quant | None = None) -> str:
        name = f"c{len(self.values)}"
        self.values[name] = Value(name, data.shape, str(data.dtype), quant, data)
        return name

    def weights(self, shape: tuple[int, ...], size: int = 127) -> list[str]:
        """Signs of one magnitude a channel, some of them 0 or one sign throughout; and a bias."""
        count, taps = shape[0], int(np.prod(shape[1:]))
        w = np.where(self.rng.random(shape) < 0.5, -size, size).astype(np.int8)
        w[0], w[-1] = size, -size
        if count > 4:
            w[count // 2] = 0
            w[1] = np.sign(w[1]) * 42
        scale = self.rng.uniform(0.5, 1.5, count) / size / np.sqrt(taps)
        scale = tuple(float(np.float32(s)) for s in scale)
        bias = (self.rng.normal(0, 0.3, count) / np.array(scale)).astype(np.int32)
        return [
            self.constant(w, Quant(scale, (0,) * count, 0 if count > 1 else None)),
            self.constant(bias),
        ]

    def conv(self, x: str, out_c: int, kernel: int = 3, stride: int = 1, dilation: int = 1,
             pad: int = 1, activation: str = "NONE") -> str:  # fmt: skip
        axes = [Axis(n, kernel, stride, dilation, pad, pad) for n in self.shape(x)[1:3]]
        operands = self.weights((out_c, kernel, kernel, self.shape(x)[3]))
        attrs = {**window_attrs(*axes), "activation": activation}
        return self.add("conv2d", [x, *operands], Quant((0.02,), (5,)), **attrs)

    def pool(self, x: str, kernel: int = 2, stride: int = 2) -> str:
        axes = [Axis(n, kernel, stride) for n in self.shape(x)[1:3]]
        attrs = {
            **window_attrs(*axes),
            "kernel_h": kernel,
            "kernel_w": kernel,
            "activation": "NONE",
        }
        return self.add("max_pool", [x], self.values[x].quant or Quant((1.0,), (0,)), **attrs)

    def dense(self, x: str, out_c: int) -> str:
        quant = self.values[x].quant or Quant((1.0,), (0,))
        elements = self.values[x].elements
        flat = self.add("reshape", [x], quant, shape=(1, elements))
        return self.add("fully_connected", [flat, *self.weights((out_c, elements))], Quant((0.02,), (-3,)),
                        activation="NONE", keep_num_dims=False)  # fmt: skip

    def graph(self, *outputs: str) -> IntGraph:
        return lower(
            Graph("signs", self.values, tuple(self.nodes), ("x",), outputs, one_rounding=True)
        )


def random_network(seed: int) -> IntGraph:
    """Two to four layers, pools between some, and a dense one at the end of most."""
    rng = np.random.default_rng(seed)
    net = Signs(
        seed, (1, int(rng.integers(3, 9)), int(rng.integers(3, 9)), int(rng.choice(CHANNELS)))
    )
    x = net.sign("x", mixed=bool(rng.integers(2)))
    for _ in range(int(rng.integers(1, 4))):
        kernel = int(rng.choice([1, 2, 3]))
        fits = min(net.shape(x)[1:3]) >= 2 * kernel - 1
        dilation = int(rng.integers(1, 3)) if fits else 1
        pad = int(rng.integers(0, kernel)) if min(net.shape(x)[1:3]) >= kernel else kernel - 1
        x = net.conv(x, int(rng.choice(CHANNELS)), kernel, int(rng.integers(1, 3)), dilation, pad)
        x = net.sign(x, mixed=bool(rng.integers(2)))
        if min(net.shape(x)[1:3]) >= 2 and rng.integers(2):
            x = net.pool(x)
    x = net.dense(x, int(rng.choice([1, 10, 40]))) if rng.integers(4) else net.conv(x, 10, 1, pad=0)
    return net.graph(x)
