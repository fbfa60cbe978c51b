"""Fine-tuning: losses, teachers, early stopping, seeds."""

from __future__ import annotations

import copy
import functools
import sys
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from pruning_nets import Residual, Separable, images, made  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from edgekit.compress.torch import Training, evaluate, finetune  # noqa: E402
from edgekit.compress.torch.losses import distance  # noqa: E402
from edgekit.compress.torch.training import one_cycle  # noqa: E402
from edgekit.errors import EdgekitError  # noqa: E402


def weights(net: nn.Module) -> bytes:
    return b"".join(v.numpy().tobytes() for v in net.state_dict().values())


def test_it_learns_and_repeats_exactly_whatever_was_drawn_before(tmp_path: Any) -> None:
    file = tmp_path / "train.npz"
    x, y = images()
    np.savez(file, x=x.numpy(), y=y.numpy().astype(np.uint8))
    results = []
    for data, drawn in (((x, y), 0), (file, 7)):
        torch.rand(drawn)
        net = made(Residual)
        before = torch.get_rng_state()
        history = finetune(net, data, Training(epochs=5, batch=16, learning_rate=1e-2))
        assert torch.equal(torch.get_rng_state(), before)
        results.append(weights(net))
        assert history.losses[-1] < 0.5 * history.losses[0]
        assert history.steps == 30
    assert results[0] == results[1]
    assert evaluate(net, images(seed=1)) > 0.9


def test_a_loader_is_taken_as_it_is() -> None:
    x, y = images(32)
    net, seen = made(Residual), []
    loader = [(x[:16], y[:16]), (x[16:], y[16:])]
    net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][0, 0, 0, 0].item()))
    finetune(net, loader, Training(epochs=1.5))
    assert seen == [x[0, 0, 0, 0].item(), x[16, 0, 0, 0].item(), x[0, 0, 0, 0].item()]


def test_a_users_loss_is_what_falls() -> None:
    x, _ = images()
    net = nn.Sequential(nn.Flatten(), nn.Linear(32, 4), nn.Linear(4, 32))
    wanted = x.flatten(1)
    before = evaluate(net, (x, wanted), F.l1_loss)
    finetune(net, (x, wanted), Training(epochs=10, batch=16, loss=F.l1_loss))
    assert 0 > evaluate(net, (x, wanted), F.l1_loss) > 0.95 * before


def test_a_teacher_is_enough_without_labels() -> None:
    teacher, student = made(Separable, seed=1), made(Separable, seed=2)
    x, _ = images()
    for match in ("kl", "mse"):
        training = Training(epochs=8, batch=16, teacher=teacher, mix=1.0, match=match)
        far = functools.partial(distance, match=match, temperature=4.0)
        own = copy.deepcopy(student)
        with torch.no_grad():
            before = far(own(x), teacher(x))
        finetune(own, x if match == "kl" else x_only(x), training)
        with torch.no_grad():
            assert far(own(x), teacher(x)) < 0.3 * before


def x_only(x: Any) -> Any:
    return [x[k : k + 16] for k in range(0, len(x), 16)]


def test_distillation_of_equals_is_nothing_and_scales_with_temperature() -> None:
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    for t in (1.0, 4.0):
        far = functools.partial(distance, match="kl", temperature=t)
        assert far(logits, logits).abs() < 1e-6
        p, q = (F.softmax(v / t, -1) for v in (2 * logits, logits))
        wanted = t * t * (p * (p / q).log()).sum() / 5
        torch.testing.assert_close(far(logits, 2 * logits), wanted)


def test_patience_ends_it_and_the_best_weights_are_kept() -> None:
    """A rate that destroys: no epoch is better than the first, which is what stays."""
    net, scores = made(Residual), []
    training = Training(
        epochs=20, batch=16, patience=2, optimizer=lambda p: torch.optim.SGD(p, lr=1.0)
    )
    history = finetune(net, images(), training, validation=images(40, seed=2))
    scores = history.scores
    assert history.stopped
    assert len(scores) < 20
    assert len(scores) - 1 - scores.index(max(scores)) == 2
    assert evaluate(net, images(40, seed=2)) == max(scores) == scores[history.best]


def test_what_is_frozen_stays() -> None:
    net = made(Residual)
    net.stem[0].weight.requires_grad_(False)
    before = net.stem[0].weight.clone(), net.head.weight.clone()
    finetune(net, images(), Training(epochs=1))
    assert torch.equal(net.stem[0].weight, before[0])
    assert not torch.equal(net.head.weight, before[1])


def test_the_rate_goes_up_and_down_again() -> None:
    rates = [one_cycle(step, 100) for step in range(100)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(1)
    assert rates[0] == pytest.approx(1 / 25)
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert rates[-1] < 0.001


@pytest.mark.parametrize("key", ["epochs=0", "mix=1.5", "match='l2'", "patience=0", "batch=1", "temperature=0", "learning_rate=0"])  # fmt: skip
def test_bad_settings_are_refused(key: str) -> None:
    with pytest.raises(EdgekitError) as caught:
        eval(f"Training({key})", {"Training": Training})
    assert caught.value.code == "EK001"
    assert caught.value.where == key.split("=")[0]


def test_data_without_labels_or_batches_are_refused() -> None:
    for data, code in ((images()[0], "EK001"), (iter([1]), "EK001"), ([], "EK004"), (x_only(images()[0]), "EK001")):  # fmt: skip
        with pytest.raises(EdgekitError) as caught:
            finetune(made(Residual), data, Training(epochs=1))
        assert caught.value.code == code


def test_what_does_not_fit_or_diverges_is_an_error_without_a_traceback() -> None:
    x, y = images()
    for data, word in (((x[:, :1], y), "inputs"), ((x, y + 3), "targets"), ((x, y[:, None]), "targets")):  # fmt: skip
        with pytest.raises(EdgekitError) as caught:
            finetune(made(Residual), data, Training(epochs=1))
        assert caught.value.code == "EK004"
        assert word in str(caught.value)
    with pytest.raises(EdgekitError) as caught:
        finetune(made(Residual), (x, y), Training(optimizer=lambda p: torch.optim.SGD(p, lr=1e30)))
    assert caught.value.where == "learning_rate"


def test_without_torch_the_line_that_installs_it_is_said(monkeypatch: Any) -> None:
    import edgekit.compress.torch as package

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(EdgekitError) as caught:
        package.__getattr__("finetune")
    assert caught.value.code == "EK504"
    assert "edgekit[torch]" in caught.value.help
