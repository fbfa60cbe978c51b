"""Pruning of live modules: what goes together, how much goes, and that nothing else changes."""

from __future__ import annotations

import copy
import dataclasses
import functools
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("torch_pruning")
from pruning_nets import (  # noqa: E402
    IMAGES,
    Concat,
    Gated,
    Grouped,
    Normalised,
    Padded,
    Residual,
    Separable,
    example,
    images,
    made,
)
from torch import nn  # noqa: E402

from edgekit.build import build  # noqa: E402
from edgekit.compress.torch import (  # noqa: E402
    Training,
    couplings,
    evaluate,
    exported_macs,
    finetune,
    mask_module,
    narrowed,
    prune_module,
    prune_or_control,
    reestimate,
)
from edgekit.compress.torch.allocate import Ranked, by_layer, globally, ranked  # noqa: E402
from edgekit.compress.torch.coupling import remove  # noqa: E402
from edgekit.compress.torch.data import examples  # noqa: E402
from edgekit.compress.torch.importance import random_scores  # noqa: E402
from edgekit.compress.torch.macs import counter  # noqa: E402
from edgekit.compress.torch.statistics import output_means  # noqa: E402
from edgekit.errors import EdgekitError  # noqa: E402


def tied(kind: type[nn.Module]) -> dict[str, set[str]]:
    """By coupling, the layers that make its channels."""
    found = couplings(made(kind), example(kind)).found
    return {c.name: {p.layer.split(".")[0] for p in c.side("out", "both")} for c in found}


def refused(code: str, *words: str, **arguments: Any) -> None:
    arguments = {"module": made(Residual), "example_inputs": example(Residual)} | arguments
    with pytest.raises(EdgekitError) as caught:
        prune_module(arguments.pop("module"), arguments.pop("example_inputs"), **arguments)
    assert caught.value.code == code
    text = "\n".join(caught.value.lines())
    assert all(word in text for word in words), text


def test_a_stream_loses_the_same_channels_everywhere() -> None:
    sets = list(tied(Residual).values())
    assert {"stem", "outer1", "outer2"} in sets
    assert {"inner1"} in sets
    assert {"inner2"} in sets


def test_branches_of_a_concatenation_are_free_of_each_other() -> None:
    assert sorted(map(sorted, tied(Concat).values())) == [["left"], ["mix"], ["right"]]


def test_a_depthwise_layer_goes_with_the_layer_before() -> None:
    assert {"stem", "depthwise"} in list(tied(Separable).values())


def test_each_group_loses_as_many_channels() -> None:
    found = {c.name: c for c in couplings(made(Grouped), example(Grouped)).found}
    assert {len(slot) for slot in found["stem.0"].slots} == {2}
    assert found["grouped.0"].slots[0] == (0, 8)
    pruned = prune_module(made(Grouped), example(Grouped), macs=0.5, importance="l2", multiple=2)
    assert pruned.module.grouped[0].groups == 2


def test_gates_go_with_what_they_gate() -> None:
    assert {"stem", "excite"} in list(tied(Gated).values())


def test_what_cannot_be_removed_exactly_is_kept_and_said() -> None:
    for kind, layer in ((Padded, "stem.0"), (Normalised, "first")):
        found = couplings(made(kind), example(kind))
        makers = {p.layer for c in found.found for p in c.parts if p.side == "out"}
        assert layer not in makers
        assert layer in found.kept or "outer.0" in found.kept
        before = made(kind)
        assert prune_module(before, example(kind), macs=0.8, importance="l1").macs


@pytest.mark.parametrize("kind", IMAGES)
def test_a_removal_equals_layers_that_read_zero(kind: type[nn.Module]) -> None:
    """An oracle that knows only who reads: the original, with zeros put in front of these layers."""
    net = made(kind)
    found = couplings(net, example(kind)).found
    for some in (*([c] for c in found), found):
        removed = {c.name: [k for slot in c.slots[1::2] for k in slot] for c in some}
        small = copy.deepcopy(net)
        remove(small, example(kind), removed)
        handles = [
            net.get_submodule(part.layer).register_forward_pre_hook(
                functools.partial(zeroed, gone=part.of(removed[c.name]))
            )
            for c in some
            for part in c.side("in")
        ]
        x = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(small.eval()(x), net(x), rtol=1e-4, atol=1e-5)
        for handle in handles:
            handle.remove()


def zeroed(layer: nn.Module, inputs: Any, gone: Any) -> Any:
    x = inputs[0].clone()
    x[(..., gone) if isinstance(layer, nn.Linear) else (slice(None), gone)] = 0
    return x


@pytest.mark.parametrize("importance", ["l1", "l2", "bn", "taylor", "activation", "random"])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_the_target_is_reached_in_multiples(importance: str, scope: str) -> None:
    net = made(Residual)
    before = copy.deepcopy(net.state_dict())
    pruned = prune_module(
        net, example(Residual), macs=0.5, importance=importance, scope=scope, data=images(),
        schedule="one-shot",
    )  # fmt: skip
    assert pruned.macs <= 0.5 * pruned.macs_before
    assert all(now % 4 == 0 and now >= 4 for _, now in pruned.channels.values())
    assert all(
        torch.equal(a, b) for a, b in zip(before.values(), net.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("kind", [Residual, Concat, Separable])
def test_macs_are_those_of_inspect(kind: type[nn.Module]) -> None:
    net = made(kind)
    pruned = prune_module(net, example(kind), macs=0.6, importance="l2", multiple=2)
    assert pruned.macs_before == exported_macs(net, example(kind))
    assert pruned.macs == exported_macs(pruned.module, example(kind))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 999),
    macs=st.floats(0.2, 0.99),
    multiple=st.integers(1, 6),
    kind=st.sampled_from([Residual, Concat, Grouped]),
    layerwise=st.booleans(),
)
def test_any_scores_reach_any_target_with_nothing_to_give_back(
    seed: int, macs: float, multiple: int, kind: type[nn.Module], layerwise: bool
) -> None:
    found, count = allocated(kind)
    scores = random_scores(found, seed)
    least = {c.name: c.channels // 4 for c in found}
    entries = ranked(found, scores, multiple=multiple, least=least)
    target = int(macs * count.total())
    choose = by_layer if layerwise else globally
    if count.total({e.coupling.name: furthest(e) for e in entries}) > target:
        with pytest.raises(EdgekitError, match="cannot be reached"):
            choose(entries, count, target)
        return
    removed = choose(entries, count, target)
    assert count.total(removed) <= target
    for entry in entries:
        name, gone = entry.coupling.name, removed.get(entry.coupling.name, [])
        alive = entry.coupling.channels - len(gone)
        assert alive >= least[name]
        assert not gone or alive % multiple == 0
        if entry.blocks and not layerwise:
            fewer = entry.channels(entry.gone - entry.blocks[-1])
            assert count.total(removed | {name: fewer}) > target


def furthest(entry: Ranked) -> list[int]:
    """What goes when nothing more may."""
    trial = dataclasses.replace(entry)
    while block := trial.block():
        trial.gone += block
    return trial.channels()


@functools.cache
def allocated(kind: type[nn.Module]) -> tuple[Any, Any]:
    found = couplings(made(kind), example(kind)).found
    return found, counter(made(kind), example(kind), found)


def test_one_channel_less_is_enough_where_one_is_asked() -> None:
    net = made(Separable)
    pruned = prune_module(net, example(Separable), macs=0.99, importance="l2", multiple=1)
    assert 0.8 < pruned.macs / pruned.macs_before <= 0.99


def test_excluded_layers_keep_their_channels() -> None:
    pruned = prune_module(
        made(Residual), example(Residual), macs=0.7, importance="l2", exclude=["inner1"]
    )
    assert pruned.module.inner1[0].out_channels == 16
    assert pruned.kept["inner1.0"] == "excluded"


def test_a_useless_channel_goes_first() -> None:
    """A channel that nothing reads with weight costs nothing: importances that look at it see that."""
    for importance in ("taylor", "activation"):
        net = made(Residual)
        with torch.no_grad():
            net.outer1[0].weight[:, [1, 6, 7, 11]] = 0
        pruned = prune_module(
            net, example(Residual), macs=0.9, importance=importance, data=images(), schedule="one-shot",
            exclude=["stem", "inner2"],
        )  # fmt: skip
        kept = [k for k in range(16) if k not in (1, 6, 7, 11)]
        rows = net.inner1[0].weight[kept]
        assert torch.equal(pruned.module.inner1[0].weight[: len(kept)], rows)


def test_biases_make_up_for_what_constant_channels_gave() -> None:
    net, (x, y) = made(Separable), images()
    with torch.no_grad():
        net.stem.weight[2], net.depthwise.weight[2] = 0, 0
        net.stem.bias[2], net.depthwise.bias[2] = 1.0, 3.0
    small = copy.deepcopy(net)
    remove(
        small,
        example(Separable),
        {"stem": [2]} if "stem" in tied(Separable) else {"depthwise": [2]},
    )
    lost = (small(x) - net(x)).abs().max()
    reestimate(small, (x, y), wanted={"pointwise": output_means(net, x)["pointwise"]})
    assert (small(x) - net(x)).abs().max() < 1e-4 < lost


def test_batch_norms_measure_what_is_left() -> None:
    net, (x, y) = made(Residual), images()
    reestimate(net, (x, y))
    net.stem[2].register_forward_hook(lambda *_: None)
    found = net.stem[1](net.stem[0](x))
    mean = found.mean((0, 2, 3))
    torch.testing.assert_close(mean, net.stem[1].bias, rtol=0, atol=2e-3)


def trained(seed: int = 0, **more: Any) -> nn.Module:
    return prune_module(
        made(Residual), example(Residual), macs=0.5, data=images(), seed=seed,
        training=Training(epochs=3, batch=16, seed=seed), steps=3, **more,
    ).module  # fmt: skip


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    first, again, other = trained(), trained(), trained(1)
    weights = [
        [p.detach().numpy().tobytes() for p in net.parameters()] for net in (first, again, other)
    ]
    assert weights[0] == weights[1] != weights[2]


def test_training_makes_up_for_half_of_the_channels() -> None:
    net = made(Residual)
    finetune(net, images(), Training(epochs=10, batch=16))
    assert evaluate(net, images(seed=1)) > 0.95
    pruned = prune_module(
        net, example(Residual), macs=0.4, data=images(),
        training=Training(epochs=6, batch=16, teacher=net),
    )  # fmt: skip
    assert evaluate(pruned.module, images(seed=1)) > 0.9


def test_the_better_of_pruned_and_control_is_returned() -> None:
    net = made(Residual)
    finetune(net, images(), Training(epochs=6, batch=16))
    choice = prune_or_control(
        net, example(Residual), macs=0.5, data=images(), validation=images(40, seed=2), pretrained=6,
        training=Training(epochs=2, batch=16), seeds=(0, 1), steps=2,
    )  # fmt: skip
    assert [t.kind for t in choice.trials] == ["pruned", "pruned", "control", "control"]
    assert choice.best.score == max(t.score for t in choice.trials)
    assert choice.report()["chosen"] == choice.best.kind
    pruned, control = choice.best_of("pruned"), choice.best_of("control")
    assert control.pruned.history.steps == 4 * pruned.pruned.history.steps


def test_the_control_is_narrow_and_knows_nothing() -> None:
    net = made(Residual)
    small = narrowed(net, example(Residual), macs=0.5)
    again = narrowed(made(Residual, seed=5), example(Residual), macs=0.5)
    assert small.macs <= 0.5 * small.macs_before
    assert all(
        torch.equal(a, b)
        for a, b in zip(small.module.parameters(), again.module.parameters(), strict=True)
    )


@pytest.mark.parametrize(("pattern", "density"), [("magnitude", 0.5), ("2:4", 0.5), ("1:4", 0.25), ("block 4", 0.5)])  # fmt: skip
def test_masked_weights_stay_zero_through_training(pattern: str, density: float) -> None:
    net = made(Separable)
    masks = mask_module(net, pattern=pattern, sparsity=0.5)
    assert abs(masks.density - density) < 0.02
    finetune(net, images(), Training(epochs=1, batch=16), after_step=masks.apply)
    for name, kept in masks.kept.items():
        weight = net.get_submodule(name).weight
        assert not weight[~kept].any()
        assert weight[kept].all()


def test_n_of_m_holds_for_neighbours_in_flash() -> None:
    net = made(Residual)
    mask_module(net, pattern="2:4")
    for layer in (net.inner1[0], net.outer1[0], net.head):
        flat = layer.weight.detach().movedim(1, -1).flatten(1).unflatten(1, (-1, 4))
        assert ((flat != 0).sum(2) == 2).all()


def test_a_pruned_network_is_a_smaller_exact_bundle(tmp_path: Any) -> None:
    net, x = made(Separable), images()[0].numpy()
    pruned = prune_module(net, example(Separable), macs=0.4, importance="l2", multiple=2)
    reports = [
        build(m, example_inputs=example(Separable), calibration=x, target="cortex-m4", output=tmp_path / name)
        for m, name in ((net, "whole"), (pruned.module, "pruned"))
    ]  # fmt: skip
    assert all(report["bit_exact"] for report in reports)
    whole, small = reports
    assert small["macs"] == pruned.macs
    for key in ("weights_bytes", "flash_bytes", "arena_bytes"):
        assert small[key] < whole[key]


class Untraceable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Any) -> Any:
        return torch.tensor(self.b(self.a(x)).tolist())


class Broken(nn.Module):
    def forward(self, x: Any) -> Any:
        raise IndexError("one\ntwo")


def test_bad_arguments_are_refused() -> None:
    for macs in (0, 1, -1, 2, float("nan")):
        refused("EK001", "macs", macs=macs, importance="l2")
    refused("EK001", "importance", "data", macs=0.5)
    refused("EK001", "taylor", importance="size", macs=0.5)
    refused("EK001", "steps", steps=0)
    refused("EK001", "exclude", "nowhere", exclude=["nowhere"])
    refused("EK001", "left", importance="l2", macs=0.01)
    refused("EK001", "labels", data=images()[0])
    refused("EK001", "batch norms", module=made(Separable), importance="bn")
    refused("EK001", "training", training=Training(), importance="l2")
    refused("EK001", "steps", training=Training(epochs=0.1), data=images(), steps=8)


def test_modules_that_cannot_be_pruned_are_refused() -> None:
    refused("EK109", "Broken", "IndexError: one", module=Broken(), importance="l2")
    for net in (Untraceable(), nn.Linear(4, 4)):
        refused("EK001", "nothing", module=net, example_inputs=torch.zeros(1, 4), importance="l2")
    refused("EK001", example_inputs=None, importance="l2")


def test_data_that_are_none_are_refused(tmp_path: Any) -> None:
    file = tmp_path / "data.npz"
    refused("EK004", "data.npz", data=file)
    file.write_bytes(b"PK\x03\x04 nothing")
    refused("EK004", data=file)
    np.savez(file, x=np.zeros((2, 2, 4, 4)))
    refused("EK004", "`y`", data=str(file))
    np.savez(file, x=np.zeros((2, 2, 4, 4)), y=np.zeros(3))
    refused("EK004", "3 labels", data=file)
    np.savez(file, x=np.array([{}]), y=np.zeros(1))
    refused("EK004", data=file)
    refused("EK001", "int", data=3)


def test_frozen_layers_stay_frozen_and_sorted_data_are_sampled_everywhere() -> None:
    net = made(Residual)
    net.inner1[0].weight.requires_grad_(False)
    pruned = prune_module(net, example(Residual), macs=0.7, importance="l2")
    flags = {n: p.requires_grad for n, p in pruned.module.named_parameters()}
    assert [n for n, flag in flags.items() if not flag] == ["inner1.0.weight"]
    x, y = images()
    _, picked = next(examples((x, y.sort().values), batch=8).some(8).batches())
    assert picked.bincount().tolist() == [2, 2, 2, 2]


def test_bad_masks_are_refused() -> None:
    for arguments in ({"pattern": "4:2"}, {"pattern": "x"}, {"sparsity": 1}, {"scope": "both"}, {"exclude": ["stem", "inner1", "inner2", "outer1", "outer2", "head"]}):  # fmt: skip
        with pytest.raises(EdgekitError) as caught:
            mask_module(made(Residual), **arguments)
        assert caught.value.code == "EK001"


def test_without_the_package_the_line_that_installs_it_is_said(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "torch_pruning", None)
    refused("EK504", 'pip install "edgekit[prune]"', importance="l2")
