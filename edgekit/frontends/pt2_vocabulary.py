"""ATen's operators in ONNX's vocabulary: one table, from a call's name to what it becomes.

A name without overload stands for all overloads that the table does not list. A trailing underscore
(write in place) is taken off before the look-up. The semantics are those of ONNX's operator set
`OPSET`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgekit.frontends import pt2_rules_layers as layers
from edgekit.frontends import pt2_rules_math as maths
from edgekit.frontends import pt2_rules_shape as shapes
from edgekit.frontends.pt2_step import Step

OPSET = 20
Rule = Callable[[Step], None]


@dataclass(frozen=True)
class Plain:
    """One ONNX node. `operands` and the first of each pair in `attrs` name ATen's arguments, the
    second is their default; `fixed` are attributes that ATen's operator has no argument for, and
    `only` the values of arguments without a counterpart."""

    op: str
    operands: tuple[str, ...] = ("self",)
    attrs: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    only: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, s: Step) -> None:
        for name, value in self.only.items():
            s.require(s.argument(name, value) == value, f"{name} of {value}", s.argument(name))
        attrs = {name: s.argument(*source) for name, source in self.attrs.items()}
        s.emit(self.op, [s.operand(name) for name in self.operands], {**attrs, **self.fixed})


_PAIR = ("self", "other")
_GROUPS: tuple[tuple[str, Rule], ...] = (
    # Activations.
    ("relu", Plain("Relu")),
    ("sigmoid", Plain("Sigmoid")),
    ("tanh", Plain("Tanh")),
    ("hardswish", Plain("HardSwish")),
    ("hardsigmoid", Plain("HardSigmoid", fixed={"alpha": 1 / 6, "beta": 0.5})),
    ("leaky_relu", Plain("LeakyRelu", attrs={"alpha": ("negative_slope", 0.01)})),
    ("elu", Plain("Elu", attrs={"alpha": ("alpha", 1.0)}, only={"scale": 1, "input_scale": 1})),
    ("selu", Plain("Selu")),
    ("softplus", Plain("Softplus", only={"beta": 1})),
    ("mish", Plain("Mish")),
    ("gelu", Plain("Gelu", attrs={"approximate": ("approximate", "none")})),
    ("silu", maths.silu),
    ("prelu _prelu_kernel", maths.prelu),
    ("hardtanh", maths.hardtanh),
    ("relu6", maths.relu6),
    ("clamp.default clip.default", maths.clamp),
    ("clamp_min.default", maths.clamp_min),
    ("clamp_max.default", maths.clamp_max),
    ("softmax _softmax log_softmax _log_softmax", maths.softmax),
    # Elementwise.
    ("add", maths.add),
    ("sub subtract", maths.subtract),
    ("rsub", maths.subtract_from),
    ("mul multiply", Plain("Mul", _PAIR)),
    ("div divide true_divide", maths.divide),
    ("pow.Tensor_Scalar pow.Tensor_Tensor pow.Scalar", Plain("Pow", ("self", "exponent"))),
    ("maximum max.other", Plain("Max", _PAIR)),
    ("minimum min.other", Plain("Min", _PAIR)),
    ("abs", Plain("Abs")),
    ("neg negative", Plain("Neg")),
    ("exp", Plain("Exp")),
    ("log", Plain("Log")),
    ("sqrt", Plain("Sqrt")),
    ("reciprocal", Plain("Reciprocal")),
    ("erf", Plain("Erf")),
    ("sin", Plain("Sin")),
    ("cos", Plain("Cos")),
    ("floor", Plain("Floor")),
    ("ceil", Plain("Ceil")),
    ("rsqrt", maths.rsqrt),
    # Layers with weights.
    ("conv1d conv2d conv3d convolution conv_transpose1d conv_transpose2d", layers.convolution),
    ("batch_norm _native_batch_norm_legit_no_training", layers.batch_norm),
    ("native_batch_norm _native_batch_norm_legit _batch_norm_with_update", layers.training_norm),
    ("layer_norm native_layer_norm", layers.layer_norm),
    ("linear", maths.linear),
    ("addmm", maths.addmm),
    ("matmul mm bmm", maths.matmul),
    ("scaled_dot_product_attention", maths.attention),
    # Pools and reductions.
    ("max_pool1d", layers.pool(1, "MaxPool")),
    ("max_pool2d max_pool2d_with_indices", layers.pool(2, "MaxPool")),
    ("avg_pool1d", layers.pool(1, "AveragePool")),
    ("avg_pool2d", layers.pool(2, "AveragePool")),
    ("adaptive_avg_pool1d", layers.adaptive_pool(1, "AveragePool")),
    ("adaptive_avg_pool2d _adaptive_avg_pool2d", layers.adaptive_pool(2, "AveragePool")),
    ("adaptive_max_pool1d", layers.adaptive_pool(1, "MaxPool")),
    ("adaptive_max_pool2d", layers.adaptive_pool(2, "MaxPool")),
    ("mean", maths.reduction("ReduceMean")),
    ("sum", maths.reduction("ReduceSum")),
    ("amax max.dim max.default", maths.reduction("ReduceMax")),
    ("amin min.dim min.default", maths.reduction("ReduceMin")),
    ("upsample_nearest1d upsample_nearest2d", layers.resize("nearest")),
    ("upsample_linear1d upsample_bilinear2d", layers.resize("linear")),
    ("pixel_shuffle", Plain("DepthToSpace", attrs={"blocksize": ("upscale_factor", 0)}, fixed={"mode": "CRD"})),
    # Shapes.
    ("view reshape flatten unflatten _unsafe_view _reshape_alias view_copy", shapes.reshape),
    ("squeeze squeeze_copy", shapes.squeeze),
    ("unsqueeze unsqueeze_copy", shapes.unsqueeze),
    ("permute permute_copy", shapes.permute),
    ("transpose t swapaxes swapdims transpose_copy t_copy", shapes.transpose),
    ("expand expand_copy", shapes.expand),
    ("cat concat concatenate", shapes.cat),
    ("stack", shapes.stack),
    ("slice.Tensor slice_copy", shapes.cut),
    ("narrow", shapes.narrow),
    ("select.int select_copy.int", shapes.select),
    ("split split_with_sizes chunk unbind split_copy split_with_sizes_copy", shapes.split),
    ("pad constant_pad_nd", shapes.pad),
    # Constants.
    ("full full_like scalar_tensor", shapes.filled()),
    ("zeros zeros_like new_zeros", shapes.filled(0)),
    ("ones ones_like new_ones", shapes.filled(1)),
    ("arange", shapes.arange),
    # What computes nothing.
    ("dropout feature_dropout alpha_dropout native_dropout", maths.dropout),
    ("contiguous clone detach detach_ alias alias_copy lift lift_fresh lift_fresh_copy to _to_copy "
     "type_as positive", maths.identity),
)  # fmt: skip
TABLE: dict[str, Rule] = {name: rule for names, rule in _GROUPS for name in names.split()}

# Calls whose result may be a view of their first operand.
VIEWS = frozenset(
    "view reshape flatten unflatten _unsafe_view _reshape_alias squeeze unsqueeze permute transpose t swapaxes "
    "swapdims expand slice narrow select split split_with_sizes chunk unbind contiguous detach detach_ alias lift "
    "lift_fresh to type_as dropout feature_dropout alpha_dropout adaptive_avg_pool1d adaptive_avg_pool2d".split()
)


@dataclass(frozen=True)
class Meaning:
    """How a target is to be translated; `rule` is None where the table does not know it."""

    rule: Rule | None
    view: bool
    in_place: bool


def meaning(target: str) -> Meaning:
    """Look up a target such as ``aten.conv2d.default``."""
    space, _, rest = target.partition(".")
    name, _, overload = rest.partition(".")
    in_place = name.endswith("_") and name not in TABLE
    plain = name[:-1] if in_place else name
    rule = TABLE.get(f"{plain}.{overload}", TABLE.get(plain)) if space == "aten" else None
    return Meaning(rule, name in VIEWS, in_place)
