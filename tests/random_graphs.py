"""Random graphs, one a seed, of everything that a memory plan tells apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from networks import Net, evaluate, extremes, grow

from edgekit.families.window import Axis, window_attrs
from edgekit.graph import IntGraph, Node, State
from edgekit.program import Program
from edgekit.simulate import Simulator

Array = np.ndarray
_MOST = 1500  # elements of a tensor that grows further
WINDOWS = ("conv2d", "conv2d", "depthwise", "depthwise", "max_pool", "avg_pool")


def axis(net: Net, size: int, *, same: bool = False, dilated: bool = True) -> Axis:
    """Windows along `size` elements; `same`: as many as elements."""
    rng = net.rng
    kernel = int(rng.integers(1, min(4, size) + 1))
    dilation = int(rng.integers(1, 3)) if dilated and rng.integers(3) == 0 else 1
    total = (kernel - 1) * dilation
    if same:
        before = int(rng.integers(total + 1))
        return Axis(size, kernel, 1, dilation, before, total - before)
    before, after = (int(rng.integers(total + 1)) if rng.integers(2) else 0 for _ in range(2))
    missing = max(0, total + 1 - size - before - after)
    return Axis(size, kernel, int(rng.integers(1, 4)), dilation, before, after + missing)


def window(net: Net, x: str, kind: str, *, same: bool = False, out_c: int = 0) -> str:
    """A convolution, depthwise convolution or pool of any kernel, stride, dilation and padding."""
    _, height, width, count = net.shape(x)
    dilated = kind in ("conv2d", "depthwise")
    rows, columns = (axis(net, n, same=same, dilated=dilated) for n in (height, width))
    attrs = window_attrs(rows, columns)
    taps = (rows.kernel, columns.kernel)
    if kind == "conv2d":
        shape = (out_c or int(net.rng.integers(1, 8)), *taps, count)
        return net.weighted(kind, x, shape, 0, **attrs)
    if kind == "depthwise":
        wide = count * int(net.rng.choice([1, 1, 1, 2]))
        return net.weighted(kind, x, (1, *taps, out_c or wide), 3, **attrs)
    pool = {"kernel_h": taps[0], "kernel_w": taps[1], "activation": "NONE"}
    like = "" if net.one_rounding and kind == "avg_pool" else x
    return net.add(kind, [x], like=like, **attrs, **pool)


def chain(net: Net, x: str, live: list[str]) -> str:
    for _ in range(int(net.rng.integers(2, 5))):
        x = window(net, x, str(net.rng.choice(WINDOWS)))
    return x


def residual(net: Net, x: str, live: list[str]) -> str:
    """x + a few layers of it; the delay line of a stream."""
    count, y = net.shape(x)[3], x
    for _ in range(int(net.rng.integers(1, 3))):
        y = window(net, y, "conv2d", same=True)
    y = window(net, y, "conv2d", same=True, out_c=count)
    pair = [x, y] if net.rng.integers(2) else [y, x]
    return net.add("add", pair, activation=str(net.rng.choice(["NONE", "RELU"])))


def inverted(net: Net, x: str, live: list[str]) -> str:
    """Wider, depthwise, narrower; added where it has the input's shape."""
    count = net.shape(x)[3]
    wide = net.weighted("conv2d", x, (2 * count + 1, 1, 1, count), 0, **_point())
    deep = window(net, wide, "depthwise", same=bool(net.rng.integers(2)))
    channels = net.shape(deep)[3]
    narrow = net.weighted("conv2d", deep, (count, 1, 1, channels), 0, **_point())
    alike = net.shape(narrow) == net.shape(x)
    return net.add("add", [x, narrow], activation="NONE") if alike else narrow


def _point() -> dict[str, int]:
    return window_attrs(Axis(1, 1, 1), Axis(1, 1, 1))


def branches(net: Net, x: str, live: list[str]) -> str:
    """Branches of unequal length, the first of which waits longest for its join."""
    count, tips = int(net.rng.integers(1, 5)), []
    for length in range(1, int(net.rng.integers(2, 4)) + 1):
        y = x
        for _ in range(length):
            y = window(net, y, "conv2d", same=True, out_c=count)
        tips.append(y)
    if net.rng.integers(2):
        tips[1:] = [net.add("requantize", [y], like=tips[0], activation="NONE") for y in tips[1:]]
        return net.add("concat", tips, like=tips[0], axis=int(net.rng.choice([1, 3, 3])))
    joined = tips[0]
    for y in tips[1:]:
        joined = net.add(str(net.rng.choice(["add", "mul"])), [joined, y], activation="NONE")
    return joined


def split(net: Net, x: str, live: list[str]) -> str | None:
    """Parts of rows, columns or channels, some changed, in another order again."""
    shape, cut = net.shape(x), int(net.rng.choice([1, 1, 2, 3]))
    if shape[cut] < 2:
        return None
    at = int(net.rng.integers(1, shape[cut]))
    tips = []
    for part in (range(at), range(at, shape[cut])):
        ranges = tuple(part if a == cut else range(n) for a, n in enumerate(shape))
        tip = net.add("slice", [x], like=x, part=ranges, shape=tuple(map(len, ranges)))
        if net.rng.integers(2):
            tip = net.add("requantize", [tip], like=x, activation="RELU")
        tips.append(tip)
    return net.add("concat", tips[:: int(net.rng.choice([1, -1]))], like=x, axis=cut)


def view(net: Net, x: str, live: list[str]) -> str:
    """The same elements as a map of another height."""
    _, height, width, count = net.shape(x)
    shapes = [(1, height * width, 1, count), (1, 1, height * width, count), (1, height, 1, width * count), (1, height, width * count, 1)]  # fmt: skip
    shape = shapes[int(net.rng.integers(len(shapes)))]
    return net.add("reshape", [x], like=x, shape=shape)


def join_late(net: Net, x: str, live: list[str]) -> str | None:
    """A tensor made long ago beside one of now."""
    rest = [t for t in live[:-1] if net.shape(t) == net.shape(x)]
    if not rest:
        return None
    return net.add("add", [rest[0], x], activation="NONE")


def memory(net: Net, x: str, live: list[str]) -> str | None:
    """A convolution over time: the last rows of all inferences before, then those of this one."""
    _, height, width, count = net.shape(x)
    keep = int(net.rng.integers(1, 4))
    state = net.tensor((1, keep, width, count), x)
    first = net.rng.integers(-128, 128, net.shape(state)).astype(np.int8)
    net.states.append(State(state, first))
    past = net.add("read_variable", [state], like=x)
    frames = net.add("concat", [past, x], like=x, axis=1)
    ranges = (range(1), range(height, height + keep), range(width), range(count))
    last = net.add("slice", [frames], like=x, part=ranges, shape=(1, keep, width, count))
    net.nodes.append(Node(f"assign_{len(net.nodes)}", "assign_variable", (last,), (state,)))
    return window(net, frames, str(net.rng.choice(["conv2d", "depthwise", "max_pool"])))


def classify(net: Net, x: str, live: list[str]) -> str:
    """A global average or all of the map into a dense layer, then probabilities."""
    _, height, width, _ = net.shape(x)
    kind = int(net.rng.integers(3))
    if kind == 0:
        y = net.add("mean", [x], axes=[1, 2], keep_dims=bool(net.rng.integers(2)))
    elif kind == 1:
        attrs = window_attrs(Axis(height, height, 1), Axis(width, width, 1))
        pool = {"kernel_h": height, "kernel_w": width, "activation": "NONE"}
        like = "" if net.one_rounding else x
        y = net.add("avg_pool", [x], like=like, **attrs, **pool)
    else:
        y = x
    elements, classes = int(np.prod(net.shape(y))), int(net.rng.integers(2, 8))
    y = net.weighted("fully_connected", y, (classes, elements), 0)
    return net.add("reshape", [y], like=y, shape=(1, 1, 1, classes))


Motif = Callable[[Net, str, list[str]], "str | None"]
MOTIFS: tuple[Motif, ...] = (chain, chain, chain, residual, residual, inverted, branches, split, view, join_late, memory, classify)  # fmt: skip
# Single operators of `networks.grow` that no motif has.
OTHERS = "add mul add_constant broadcast relu relu requantize concat pad pad transpose resize_nearest resize_bilinear space_to_depth mean reduce_max dense".split()  # fmt: skip


class RandomNet(Net):
    """A net with variables."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.states: list[State] = []


def random_graph(seed: int) -> IntGraph:
    """A graph of 1 to 9 motifs, 1 to 3 inputs, 1 to 3 outputs, maps of 1 to 12 rows."""
    net = RandomNet(seed)
    rng = net.rng
    width = 1 if rng.integers(3) == 0 else int(rng.integers(1, 7))
    size = (int(rng.integers(1, 13)), width, int(rng.integers(1, 6)))
    live = [net.input((1, *size)) for _ in range(int(rng.choice([1, 1, 1, 2, 3])))]
    inputs = list(live)
    for _ in range(int(rng.integers(1, 10))):
        x = live[-1] if rng.integers(3) else live[int(rng.integers(len(live)))]
        if int(np.prod(net.shape(x))) > _MOST:
            continue
        if rng.integers(3):
            motif = MOTIFS[int(rng.integers(len(MOTIFS)))]
            made = motif(net, x, live)
        else:
            made = grow(net, live[-3:], str(rng.choice(OTHERS)))
        if made is not None:
            live.append(made)
    made_here = [t for t in live if t not in inputs] or [window(net, live[-1], "conv2d")]
    chosen = {made_here[-1], *rng.choice(made_here, int(rng.integers(0, 3))).tolist()}
    return net.graph(sorted(chosen), tuple(net.states))


STEPS = 3  # inferences in a row, where the graph has state


@dataclass(frozen=True, eq=False)
class Plain:
    """A graph evaluated node by node, without any plan.

    inputs and outputs: [N, *shape], or [N, steps, *shape] where the graph has state. layers: every
    tensor that a node makes, [*shape], in the last inference of the last sample.
    """

    graph: IntGraph
    inputs: list[Array]
    outputs: list[Array]
    layers: dict[str, Array]

    def equals(self, program: Program) -> bool:
        """Does the simulator make these outputs, and these tensors on its way to them?"""
        steps = bool(self.graph.states)
        found = Simulator(program).run(self.inputs, steps)
        traced = Simulator(program).trace([x[-1] for x in self.inputs], steps)
        return all(map(np.array_equal, found, self.outputs)) and all(
            np.array_equal(got, self.layers[name]) for _, name, got in traced
        )


def plain(graph: IntGraph) -> Plain:
    """The graph on extreme and random inputs."""
    frames = extremes(graph, 6)
    if graph.states:
        frames = [x.reshape(2, STEPS, *x.shape[1:]) for x in frames]
    held = {s.value: np.broadcast_to(s.init, (2, *s.init.shape)) for s in graph.states}
    outputs = []
    for time in range(STEPS if graph.states else 1):
        arrays = evaluate(graph, [x[:, time] for x in frames] if graph.states else frames, held)
        held = {name: arrays[name] for name in held}
        outputs.append([arrays[name] for name in graph.outputs])
    stacked = [np.stack(column, axis=1) for column in zip(*outputs, strict=True)]
    layers = {name: array[-1] for name, array in arrays.items()}
    return Plain(graph, frames, stacked if graph.states else outputs[0], layers)
