"""Small torch modules that together use every call of the `.pt2` vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

Tensors = tuple[torch.Tensor, ...]


class Function(nn.Module):
    """A function as a module, with weights to be used in it."""

    def __init__(self, function: Callable[..., Any], *weights: tuple[int, ...]) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.function = function
        self.weights = nn.ParameterList(
            nn.Parameter(torch.rand(shape, generator=generator) + 0.1) for shape in weights
        )

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.function(*inputs, *self.weights)


def activations(x: torch.Tensor) -> Tensors:
    return (
        F.relu(x), torch.sigmoid(x), torch.tanh(x), F.hardswish(x), F.hardsigmoid(x), F.relu6(x),
        F.leaky_relu(x, 0.2), F.elu(x, 0.7), F.selu(x), F.gelu(x),
        F.gelu(x, approximate="tanh"), F.silu(x), F.hardtanh(x, -0.5, 0.25), x.clamp(min=0.1),
        x.clamp(-1, float("inf")), torch.clamp_min(x, 0.0), torch.clamp_max(x, 0.5),
        x.softmax(1), x.log_softmax(-1), F.dropout(x, 0.5, False),
    )  # fmt: skip


def elementwise(x: torch.Tensor, y: torch.Tensor, w: torch.Tensor) -> Tensors:
    p = x.abs() + 0.5
    return (
        x + y, torch.add(x, y, alpha=3), x + 2, x - y, torch.sub(x, 2, alpha=2), 1 - x, torch.rsub(x, y, alpha=2),
        x * w, x * 0.5, x / (y.abs() + 1), x / 3, 2 / p, x**2, p**0.5, p**y, torch.maximum(x, y),
        torch.minimum(x, w), p.log(), (-x).exp(), p.sqrt(), p.reciprocal(), p.rsqrt(), x.erf(), x.sin(), x.cos(),
        x.floor(), x.ceil(), x.double() * 0.25, x.abs(), x.neg(),
    )  # fmt: skip


def in_place(x: torch.Tensor) -> Tensors:
    y = x + 1
    y.mul_(2).add_(x)
    z = F.relu(y, inplace=True)
    return y + z, z.clamp_(0, 1)


def convolutions(x: torch.Tensor, w: torch.Tensor, d: torch.Tensor, t: torch.Tensor, b: torch.Tensor) -> Tensors:  # fmt: skip
    return (
        F.conv2d(x, w, b, stride=2, padding=1), F.conv2d(x, w, None, 1, "same"), F.conv2d(x, w, b, padding="valid"),
        F.conv2d(x, w, b, dilation=(2, 1), padding=(2, 0)), F.conv2d(x, d, None, padding=1, groups=4),
        F.conv_transpose2d(x, t, None, stride=2, padding=1, output_padding=1),
        F.conv1d(x[:, :, 0], w[:, :, 0], b, padding=1),
        F.conv_transpose1d(x[:, :, 0], t[:, :, 0], None, stride=2),
    )  # fmt: skip


def pools(x: torch.Tensor) -> Tensors:
    line = x[:, :, 0]
    return (
        F.max_pool2d(x, 2), F.max_pool2d(x, 3, 2, 1, ceil_mode=True), F.max_pool1d(line, 3, 1, dilation=2),
        F.avg_pool2d(x, 2), F.avg_pool2d(x, 3, 2, 1), F.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        F.avg_pool1d(line, 2, 2, 1), F.adaptive_avg_pool2d(x, 1), F.adaptive_avg_pool2d(x, (3, 4)),
        F.adaptive_avg_pool2d(x, (6, 8)), F.adaptive_avg_pool1d(line, 1), F.adaptive_max_pool2d(x, 1),
        F.adaptive_max_pool1d(line, 4),
        x.mean((2, 3)), x.mean(), x.mean(1, keepdim=True), x.sum(-1), x.sum(), x.amax((1, 3)), x.max(2)[0],
        x.max(), x.amin(1), x.min(3, keepdim=True)[0],
    )  # fmt: skip


def undecomposed(x: torch.Tensor) -> Tensors:
    return (
        F.interpolate(x, scale_factor=2), F.interpolate(x, (9, 12)), F.interpolate(x[:, :, 0], scale_factor=3),
        F.interpolate(x, scale_factor=2, mode="bilinear"), F.interpolate(x, (11, 5), mode="bilinear"),
        F.interpolate(x, scale_factor=(2, 3), mode="bilinear", align_corners=True), F.pixel_shuffle(x, 2),
        F.pad(x, (1, 1, 1, 1), mode="reflect"), F.pad(x, (2, 0, 0, 1), mode="replicate"), F.softplus(x), F.mish(x),
    )  # fmt: skip


def shapes(x: torch.Tensor) -> Tensors:
    a, b = x.chunk(2, 1)
    c, d, e = x.split([1, 1, 2], 1)
    f, g = torch.split(x, 3, 2)
    return (
        x.view(1, -1), x.reshape(4, 6, 8), x.flatten(2), x.unflatten(3, (2, 4)), x.squeeze(), x.squeeze(0),
        x.squeeze(1), x.unsqueeze(-1), x.permute(0, 2, 3, 1).contiguous(), x.transpose(1, -1), x[0, 0].t(),
        x[:, :1].expand(1, 4, 6, 8), torch.cat((a, b, x), 1), torch.stack((a, b), -1), x[:, 1:3, ::2, -5:-1],
        x.narrow(2, 1, 3), x[:, -1], x.select(3, 2), a, b, c, d, e, f, g, *x.unbind(1), F.pad(x, (1, 2)),
        F.pad(x, (0, 1, 2, 0), value=0.5), x.clone(), x.swapaxes(0, 1),
    )  # fmt: skip


def products(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> Tensors:
    rows = x[0]
    return (
        F.linear(x, w, b), F.linear(x, w), F.linear(rows, w, b), torch.addmm(b, rows, w.t()), rows @ w.t(), x @ x.mT,
        torch.bmm(x, x.transpose(1, 2)), F.layer_norm(x, (8,), b, b), F.layer_norm(x, (6, 8), eps=1e-3),
        F.linear(rows, w * 2 + 1, b.sqrt()),
        x + torch.ones(8) * torch.arange(8), x * torch.tensor([2.0]), x + torch.zeros_like(x),
    )  # fmt: skip


def attention(x: torch.Tensor, mask: torch.Tensor) -> Tensors:
    return (
        F.scaled_dot_product_attention(x, x, x), F.scaled_dot_product_attention(x, x, x, scale=0.3),
        F.scaled_dot_product_attention(x, x, x, is_causal=True), F.scaled_dot_product_attention(x, x, x, mask),
    )  # fmt: skip


def normed(x: torch.Tensor, a: torch.Tensor, c: torch.Tensor) -> Tensors:
    return (
        F.batch_norm(x, a[0].detach(), c[0].detach(), a[0], c[0], False),
        F.batch_norm(x, a[0].detach(), c[0].detach(), None, None, False, eps=0.1),
        F.prelu(x, a[0]), F.prelu(x, a[0, :1]), F.prelu(x[:, :, 0, 0], a[0]),
    )  # fmt: skip


class Recurrent(nn.Module):
    """A recurrent layer with states of its own, or given ones; everything that it returns."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor, *states: torch.Tensor) -> Tensors:
        given = states[0] if len(states) == 1 else states
        y, last = self.layer(x, given) if states else self.layer(x)
        return (y, *last) if isinstance(last, tuple) else (y, last)


SHAPE = (1, 4, 6, 8)
NETS: dict[str, tuple[nn.Module, list[tuple[int, ...]]]] = {
    "activations": (Function(activations), [SHAPE]),
    "elementwise": (Function(elementwise, (4, 1, 1)), [SHAPE, SHAPE]),
    "in place": (Function(in_place), [SHAPE]),
    "convolutions": (Function(convolutions, (4, 4, 3, 3), (4, 1, 3, 3), (4, 2, 3, 3), (4,)), [SHAPE]),
    "pools": (Function(pools), [SHAPE]),
    "undecomposed": (Function(undecomposed), [SHAPE]),
    "shapes": (Function(shapes), [SHAPE]),
    "products": (Function(products, (8, 8), (8,)), [(1, 6, 8)]),
    "norms": (Function(normed, (1, 4), (1, 4)), [SHAPE]),
    "attention": (Function(attention, (6, 6)), [(1, 6, 8)]),
    "lstm": (Recurrent(nn.LSTM(8, 5, 2, bidirectional=True)), [(6, 2, 8)]),
    "lstm, states": (Recurrent(nn.LSTM(8, 5, batch_first=True)), [(1, 6, 8), (1, 1, 5), (1, 1, 5)]),
    "gru": (Recurrent(nn.GRU(8, 5, 2, bias=False)), [(6, 1, 8), (2, 1, 5)]),
    "rnn": (Recurrent(nn.RNN(8, 5, batch_first=True)), [(1, 6, 8)]),
    "rnn, rectifier": (Recurrent(nn.RNN(8, 5, nonlinearity="relu", bidirectional=True)), [(6, 1, 8)]),
    "encoder": (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), [(1, 6, 8)]),
}  # fmt: skip
# Decomposed, these become indexing and comparisons: not in the vocabulary.
RECURRENT = {name for name in NETS if name.startswith(("lstm", "gru", "rnn"))}
CORE = sorted(NETS.keys() - {"undecomposed", "attention", "encoder"} - RECURRENT)
