"""Pruning and structure on canonical graphs: what goes together, what is removed, and what it keeps."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx_graphs import Builder, random_network

from edgekit.compress import Recipe
from edgekit.compress.coupling import coupling
from edgekit.compress.edits import Bypass, Factor
from edgekit.compress.importance import MEASURES
from edgekit.compress.matrix import macs_of, weights_of
from edgekit.compress.prune import amount, chosen, dead, zeroed
from edgekit.compress.step import Context, State
from edgekit.errors import EdgekitError
from edgekit.frontends import load_model
from edgekit.graph import Graph
from edgekit.lowering import lower
from edgekit.passes import canonical
from edgekit.quantize import Calibration, quantized
from edgekit.quantize.evaluate import activations
from edgekit.rewrite.constant_channels import drop_constant_channels
from edgekit.validate.data import Samples


def imported(model: onnx.ModelProto) -> Graph:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, path)
        return canonical(load_model(path))


def samples_of(graph: Graph, count: int = 12, seed: int = 0) -> Samples:
    rng = np.random.default_rng(seed)
    data = {n: rng.normal(size=(count, *graph.value(n).shape)).astype("f4") for n in graph.inputs}
    return Calibration(data).samples(graph)


class Network(Builder):
    """A network on [1, 3, 6, 6] whose methods return the name of what they add."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(np.random.default_rng(seed), (1, 3, 6, 6))

    def call(self, op: str, *inputs: str, **attributes: Any) -> str:
        self.node(op, list(inputs), **attributes)
        return self.last

    def conv(self, x: str, out: int, *, groups: int = 1, size: int = 1) -> str:
        w = self.weights(out, self.shapes[x][1] // groups, size, size)
        made = self.call("Conv", x, w, self.weights(out), group=groups, pads=[size // 2] * 4)
        return self.call("Relu", made)

    def classifier(self, x: str) -> Graph:
        """Pooled, and dense to three classes."""
        pooled = self.call("Flatten", self.call("GlobalAveragePool", x))
        self.call("Gemm", pooled, self.weights(self.shapes[pooled][1], 3))
        return self.graph()

    def graph(self) -> Graph:
        return imported(self.model([self.last]))


def residual(net: Network) -> str:
    x = net.conv("x", 12)
    return net.call("Add", x, net.conv(net.conv(x, 8, size=3), 12))


def joined(net: Network) -> str:
    x = net.conv("x", 8)
    return net.call("Concat", net.conv(x, 8), net.conv(x, 4, size=3), axis=1)


def separable(net: Network) -> str:
    x = net.conv("x", 12)
    return net.conv(net.conv(x, 12, groups=12, size=3), 8)


def grouped(net: Network) -> str:
    return net.conv(net.conv(net.conv("x", 8), 8, groups=2, size=3), 8)


def pooled(net: Network) -> str:
    return net.call("MaxPool", net.conv("x", 12, size=3), kernel_shape=[2, 2], strides=[2, 2])


SHAPES = {"residual": residual, "joined": joined, "separable": separable, "grouped": grouped,
          "pooled": pooled}  # fmt: skip


def flattened() -> Graph:
    """Channels that lie apart in what a dense layer reads."""
    net = Network()
    flat = net.call("Flatten", net.conv("x", 8, size=3))
    net.call("Gemm", flat, net.weights(net.shapes[flat][1], 3))
    return net.graph()


def network(kind: str) -> Graph:
    net = Network()
    return flattened() if kind == "flattened" else net.classifier(SHAPES[kind](net))


KINDS = [*SHAPES, "flattened"]


@pytest.mark.parametrize(
    ("kind", "families"),
    [
        ("residual", [12, 8]),
        ("joined", [8, 8, 4]),
        ("separable", [12, 8]),
        ("grouped", [8, 4, 4, 8]),
        ("pooled", [12]),
        ("flattened", [8]),
    ],
)
def test_channels_that_are_added_or_filtered_alone_go_together(
    kind: str, families: list[int]
) -> None:
    found = coupling(State.of(network(kind)).graph)
    assert sorted(np.bincount(found.families).tolist()) == sorted(families)


def integer_macs(state: State, samples: Samples) -> dict[str, int]:
    """By layer, in the integer graph without its constant channels."""
    whole, _ = quantized(state.graph, samples)
    integer = drop_constant_channels(lower(whole))
    return {n.name: n.op.cost(n, integer.values).macs for n in integer.nodes}


@pytest.mark.parametrize("kind", KINDS)
def test_the_integer_graph_is_without_exactly_the_groups_that_went(kind: str) -> None:
    state = State.of(network(kind))
    made = coupling(state.graph)
    gone = np.random.default_rng(1).random(made.count) < 0.4
    for family in range(made.families.max() + 1):
        gone[np.flatnonzero(made.families == family)[0]] = False  # something is left of each
    after = zeroed(state, made, gone)
    macs = integer_macs(after, samples_of(state.graph))
    weighted = {n.name: n for n in state.graph.nodes if macs.get(n.name)}
    assert weighted
    for name, node in weighted.items():
        assert macs[name] == macs_of(node, state.graph, made, gone), name
    np.testing.assert_array_equal(dead(after.graph, made), gone)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(seed=st.integers(0, 10**6))
def test_no_channel_of_a_zeroed_group_stays_alive(seed: int) -> None:
    try:
        state = State.of(imported(random_network(seed)))
        made = coupling(state.graph)
    except (EdgekitError, ValueError):  # a layer that cannot be drawn, or that cannot be read
        assume(False)
    assume(made.count > 1)
    gone = np.random.default_rng(seed).random(made.count) < 0.5
    for labels in made.labels.values():
        if not ((labels < 0) | ~gone[labels]).any():
            gone[labels[0]] = False
    assert not made.empties(gone)
    after = zeroed(state, made, gone)
    whole, _ = quantized(after.graph, samples_of(state.graph, 9, seed))
    integer = drop_constant_channels(lower(whole))
    for name, labels in made.labels.items():
        dying = (labels >= 0) & gone[labels]
        if name in integer.values and dying.any() and integer.values[name].dtype == "int8":
            kept = integer.kept.get(name, np.ones(len(labels), bool))
            assert not (kept & dying).any(), name


@pytest.mark.parametrize("measure", [m for m in MEASURES if m != "batch_norm"])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_pruning_reaches_its_target_in_multiples(measure: str, scope: str) -> None:
    graph = network("residual")
    context = Context(samples_of(graph))
    recipe = Recipe.of([
        {"kind": "prune", "macs": 0.6, "importance": measure, "scope": scope, "multiple": 2}
    ])  # fmt: skip
    state = recipe.run(State.of(graph), context)
    made = coupling(state.graph)
    gone = dead(state.graph, made)
    none = np.zeros(made.count, bool)
    assert amount(graph_of(graph), made, gone, macs_of) <= 0.6 * amount(graph_of(graph), made, none, macs_of)  # fmt: skip
    left = np.bincount(made.families[~gone], minlength=2)
    assert (left % 2 == 0).all()
    assert (left >= 2).all()


def graph_of(graph: Graph) -> Graph:
    return State.of(graph).graph


def difference(graph: Graph, state: State, samples: Samples) -> float:
    """Mean squared, of the first output."""
    errors = []
    for i in range(len(samples)):
        given = {t.name: x[i] for t, x in zip(samples.tensors, samples.arrays, strict=True)}
        wanted, found = (dict(activations(g, given))[g.outputs[0]] for g in (graph, state.graph))
        errors.append(((wanted - found) ** 2).mean())
    return float(np.mean(errors))


@pytest.mark.parametrize("kind", KINDS)
def test_refitting_brings_the_outputs_nearer(kind: str) -> None:
    graph = network(kind)
    context, unseen = Context(samples_of(graph, 120)), samples_of(graph, 20, seed=9)
    step = {"kind": "prune", "macs": 0.7, "importance": "l2"}
    bare, means, fitted = (
        difference(graph, Recipe.of([{**step, **more}]).run(State.of(graph), context), unseen)
        for more in ({"refit": False, "bias": False}, {"refit": False}, {})
    )
    assert means < bare
    assert fitted < bare


def test_reconstruction_takes_what_the_others_can_make_up_for() -> None:
    """One channel is a copy of another: with its reader refitted nothing is lost."""
    net = Network()
    first = net.weights(6, 3, 1, 1)
    copied = onnx.numpy_helper.to_array(net.constants[-1]).copy()
    copied[5] = copied[2]
    net.constants[-1] = onnx.numpy_helper.from_array(copied, first)
    graph = net.classifier(net.call("Relu", net.call("Conv", "x", first)))
    context = Context(samples_of(graph, 40))
    recipe = Recipe.of([{"kind": "prune", "macs": 0.9, "multiple": 1}])
    state = recipe.run(State.of(graph), context)
    gone = np.flatnonzero(dead(state.graph, coupling(state.graph)))
    assert gone.tolist() in ([2], [5])
    bare = Recipe.of([{"kind": "prune", "macs": 0.9, "multiple": 1, "refit": False}])
    unseen = samples_of(graph, 20, seed=9)
    lost = difference(graph, bare.run(State.of(graph), context), unseen)
    assert difference(graph, state, unseen) < 0.01 * lost


def test_channels_that_never_fire_go_at_once_and_do_not_count() -> None:
    """Two filters whose bias keeps them below zero, and one that is clamped to one value."""
    net = Network()
    w, b = net.weights(12, 3, 1, 1), np.zeros(12, "f4")
    b[[3, 7]], b[5] = -1000, 1000
    x = net.call("Clip", net.call("Conv", "x", w, net.const(b)), net.const(np.float32(0)), net.const(np.float32(6)))  # fmt: skip
    graph = net.classifier(x)
    recipe = Recipe.of([{"kind": "prune", "macs": 0.99, "multiple": 1, "importance": "l2", "refit": False}])  # fmt: skip
    state = recipe.run(State.of(graph), Context(samples_of(graph)))
    gone = np.flatnonzero(dead(state.graph, coupling(state.graph)))
    assert {3, 5, 7} < set(gone.tolist())
    assert len(gone) == 4
    assert "of 999 macs" in state.notes[0]
    exact = Recipe.of([{"kind": "prune", "macs": 0.99, "multiple": 64, "importance": "l2", "refit": False}])  # fmt: skip
    assert difference(graph, exact.run(State.of(graph), Context(samples_of(graph))), samples_of(graph, 9, 5)) < 1e-9  # fmt: skip


def test_excluded_layers_keep_their_channels() -> None:
    graph = network("separable")
    names = [n.name for n in graph.nodes if n.op == "conv2d"]
    recipe = Recipe.of([{"kind": "prune", "macs": 0.5, "exclude": [names[-1]]}])
    state = recipe.run(State.of(graph), Context(samples_of(graph)))
    last = next(n for n in state.graph.nodes if n.name == names[-1])
    assert weights_of(last, state.graph).any(axis=1).all()


@pytest.mark.parametrize(
    "steps",
    [
        [{"kind": "prune", "macs": 0.5, "rounds": 2}],
        [{"kind": "low_rank", "rank": 2, "multiple": 1}],
        [{"kind": "remove", "error": 10.0}],
        [{"kind": "sparsify", "pattern": "2:4"}],
        [{"kind": "prune", "weights": 0.7}, {"kind": "low_rank", "rank": 2}, {"kind": "sparsify", "block": 2}],
    ],
)  # fmt: skip
def test_a_compression_makes_the_same_graph_again(steps: list[dict[str, Any]]) -> None:
    graph = network("residual")
    context = Context(samples_of(graph))
    state, again = (Recipe.of(steps).run(State.of(graph), context) for _ in range(2))
    made = state.compression.applied(graph)
    assert [n.name for n in made.nodes] == [n.name for n in state.graph.nodes]
    for name, value in made.values.items():
        if value.data is not None:
            np.testing.assert_array_equal(value.data, state.graph.values[name].data)
            np.testing.assert_array_equal(value.data, again.graph.values[name].data)


def test_a_compression_of_another_model_is_refused() -> None:
    recipe = Recipe.of([{"kind": "low_rank", "rank": 2, "multiple": 1}])
    graph = network("residual")
    state = recipe.run(State.of(graph), Context(samples_of(graph)))
    with pytest.raises(EdgekitError, match="EK005"):
        state.compression.applied(network("flattened"))


def test_low_rank_keeps_a_layer_of_that_rank() -> None:
    net = Network()
    x = net.conv("x", 8)
    thin = net.rng.normal(size=(12, 2)) @ net.rng.normal(size=(2, 8))
    w = net.const(thin.astype("f4").reshape(12, 8, 1, 1))
    graph = net.classifier(net.call("Conv", x, w, net.weights(12)))
    recipe = Recipe.of([{"kind": "low_rank", "energy": 0.9999, "multiple": 1}])
    state = recipe.run(State.of(graph), Context(samples_of(graph, 30)))
    factors = [e for e in state.compression.edits if isinstance(e, Factor)]
    assert 2 in [e.rank for e in factors]
    assert difference(graph, state, samples_of(graph, 20, seed=9)) < 1e-3


def test_a_branch_that_adds_nothing_is_removed_first() -> None:
    net = Network()
    x = net.conv("x", 8)
    w = net.const(np.full((8, 8, 1, 1), 1e-4, "f4"))
    graph = net.classifier(net.conv(net.call("Add", x, net.call("Conv", x, w)), 8))
    context = Context(samples_of(graph))
    state = Recipe.of([{"kind": "remove", "error": 0.01, "refit": False}]).run(State.of(graph), context)  # fmt: skip
    assert [type(edit) for edit in state.compression.edits] == [Bypass]
    assert len(state.graph.nodes) == len(graph.nodes) - 2
    none = Recipe.of([{"kind": "remove", "error": 1e-12, "refit": False}]).run(State.of(graph), context)  # fmt: skip
    assert not none.compression.edits
    assert "no further layer" in none.notes[-1]


@pytest.mark.parametrize(("few", "many"), [(1, 4), (2, 4), (3, 7)])
def test_of_every_so_many_weights_so_many_are_left(few: int, many: int) -> None:
    graph = network("flattened")
    recipe = Recipe.of([{"kind": "sparsify", "pattern": f"{few}:{many}"}])
    state = recipe.run(State.of(graph), Context(samples_of(graph)))
    for node in state.graph.nodes:
        if node.op in ("conv2d", "fully_connected"):
            alive = weights_of(node, state.graph) != 0
            padded = np.pad(alive, ((0, 0), (0, -alive.shape[1] % many)))
            assert padded.reshape(len(alive), -1, many).sum(axis=2).max() <= few


def test_sparsity_is_of_what_pruning_left() -> None:
    graph = network("residual")
    steps = [{"kind": "prune", "macs": 0.5}, {"kind": "sparsify", "sparsity": 0.3}]
    context = Context(samples_of(graph))
    pruned, sparse = (Recipe.of(steps[:n]).run(State.of(graph), context) for n in (1, 2))
    for node in pruned.graph.nodes:
        if node.op in ("conv2d", "fully_connected"):
            before, after = ((weights_of(node, s.graph) != 0).sum() for s in (pruned, sparse))
            assert after == pytest.approx(0.7 * before, abs=1)


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "prune"},
        {"kind": "prune", "macs": 0.5, "weights": 0.5},
        {"kind": "prune", "macs": 1.0},
        {"kind": "prune", "macs": 0},
        {"kind": "prune", "macs": 0.5, "importance": "l3"},
        {"kind": "prune", "macs": 0.5, "scope": "all"},
        {"kind": "prune", "macs": 0.5, "multiple": 0},
        {"kind": "prune", "macs": 0.5, "rounds": 0},
        {"kind": "low_rank", "energy": 1.0},
        {"kind": "low_rank", "rank": 0},
        {"kind": "remove", "most": 0},
        {"kind": "remove", "error": 0},
        {"kind": "sparsify", "sparsity": 1.0},
        {"kind": "sparsify", "pattern": "4:2"},
        {"kind": "sparsify", "pattern": "2:4", "block": 2},
        {"kind": "sparsify", "importance": "luck"},
    ],
)  # fmt: skip
def test_values_out_of_range_are_refused_by_their_key(step: dict[str, Any]) -> None:
    with pytest.raises(EdgekitError) as error:
        Recipe.of([step])
    assert error.value.code == "EK003"
    assert f"step 1 ({step['kind']})" in error.value.where


@pytest.mark.parametrize("kind", ["prune", "low_rank", "remove", "sparsify"])
def test_a_step_without_calibration_says_what_it_needs(kind: str) -> None:
    step = {"kind": kind} | ({"macs": 0.5} if kind == "prune" else {})
    with pytest.raises(EdgekitError, match="EK001") as error:
        Recipe.of([step]).run(State.of(network("residual")), Context())
    assert "--calibration" in error.value.help


def test_a_model_without_batch_norm_has_no_scale_to_go_by() -> None:
    recipe = Recipe.of([{"kind": "prune", "macs": 0.5, "importance": "batch_norm"}])
    graph = network("pooled")
    with pytest.raises(EdgekitError, match="EK001"):
        recipe.run(State.of(graph), Context(samples_of(graph)))


def test_nothing_is_chosen_beyond_what_the_multiples_allow() -> None:
    graph = graph_of(network("pooled"))
    made = coupling(graph)
    order = {0: [(g, 1.0) for g in range(12)]}
    gone = chosen(order, graph, made, np.zeros(12, bool), 0, macs_of, "global", 8)
    assert int((~gone).sum()) == 8
