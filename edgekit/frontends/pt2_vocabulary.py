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
from edgekit.frontends import pt2_rules_quantized as quantized
from edgekit.frontends import pt2_rules_recurrent as recurrent
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
_AVERAGE = "GlobalAveragePool AveragePool Identity"
_PT2E = "quantized_decomposed."
_STACK = "Transpose Reshape Slice Concat Identity"
_MAXIMUM = "GlobalMaxPool MaxPool Identity"
Entry = tuple[str, str, Rule]


def _plain(names: str, op: str, operands: tuple[str, ...] = ("self",), **options: Any) -> Entry:
    return names, op, Plain(op, operands, **options)


# Names of ATen, the operators of ONNX that they become, and how.
_ENTRIES: tuple[Entry, ...] = (
    # Activations.
    _plain("relu", "Relu"),
    _plain("sigmoid", "Sigmoid"),
    _plain("tanh", "Tanh"),
    _plain("hardswish", "HardSwish"),
    _plain("hardsigmoid", "HardSigmoid", fixed={"alpha": 1 / 6, "beta": 0.5}),
    _plain("leaky_relu", "LeakyRelu", attrs={"alpha": ("negative_slope", 0.01)}),
    ("elu", "Elu Selu", maths.elu),
    _plain("selu", "Selu"),
    _plain("softplus", "Softplus", only={"beta": 1}),
    _plain("mish", "Mish"),
    _plain("gelu", "Gelu", attrs={"approximate": ("approximate", "none")}),
    ("silu", "Sigmoid Mul", maths.silu),
    ("prelu _prelu_kernel", "PRelu Reshape", maths.prelu),
    ("hardtanh", "Clip", maths.hardtanh),
    ("relu6", "Clip", maths.relu6),
    ("clamp.default clip.default", "Clip", maths.clamp),
    ("clamp_min.default", "Clip", maths.clamp_min),
    ("clamp_max.default", "Clip", maths.clamp_max),
    ("softmax _softmax", "Softmax", maths.softmax("Softmax")),
    ("log_softmax _log_softmax", "LogSoftmax", maths.softmax("LogSoftmax")),
    # Elementwise.
    ("add", "Add Mul", maths.add),
    ("sub subtract", "Sub Mul", maths.subtract),
    ("rsub", "Sub Mul", maths.subtract_from),
    _plain("mul multiply", "Mul", _PAIR),
    ("div divide true_divide", "Div", maths.divide),
    _plain("pow.Tensor_Scalar pow.Tensor_Tensor pow.Scalar", "Pow", ("self", "exponent")),
    _plain("maximum max.other", "Max", _PAIR),
    _plain("minimum min.other", "Min", _PAIR),
    ("gt.Scalar", "Greater", maths.compared("Greater")),
    ("ge.Scalar", "GreaterOrEqual", maths.compared("GreaterOrEqual")),
    ("lt.Scalar", "Less", maths.compared("Less")),
    ("le.Scalar", "LessOrEqual", maths.compared("LessOrEqual")),
    _plain("sign sgn", "Sign"),
    ("where.self where.Scalar where.ScalarSelf where.ScalarOther", "PRelu Where", maths.where),
    _plain("abs", "Abs"),
    _plain("neg negative", "Neg"),
    _plain("exp", "Exp"),
    _plain("log", "Log"),
    _plain("sqrt", "Sqrt"),
    _plain("reciprocal", "Reciprocal"),
    _plain("erf", "Erf"),
    _plain("sin", "Sin"),
    _plain("cos", "Cos"),
    _plain("floor", "Floor"),
    _plain("ceil", "Ceil"),
    ("rsqrt", "Sqrt Reciprocal", maths.rsqrt),
    # Layers with weights.
    ("conv1d conv2d conv3d", "Conv", layers.convolution),
    ("convolution", "Conv ConvTranspose", layers.convolution),
    ("conv_transpose1d conv_transpose2d", "ConvTranspose", layers.convolution),
    ("batch_norm _native_batch_norm_legit_no_training", "BatchNormalization", layers.batch_norm),
    ("native_batch_norm _native_batch_norm_legit _batch_norm_with_update", "", layers.training_norm),
    ("layer_norm native_layer_norm", "LayerNormalization", layers.layer_norm),
    ("linear", "Gemm MatMul Transpose Add", maths.linear),
    ("addmm", "Gemm", maths.addmm),
    ("matmul mm bmm", "MatMul", maths.matmul),
    ("scaled_dot_product_attention", "Transpose MatMul Mul Softmax Where Add", maths.attention),
    # Recurrent layers.
    ("lstm.input", f"LSTM {_STACK}", recurrent.recurrent("LSTM", (0, 3, 1, 2), 2)),
    ("gru.input", f"GRU {_STACK}", recurrent.recurrent("GRU", (1, 0, 2), 1)),
    ("rnn_tanh.input", f"RNN {_STACK}", recurrent.recurrent("RNN", (0,), 1, "Tanh")),
    ("rnn_relu.input", f"RNN {_STACK}", recurrent.recurrent("RNN", (0,), 1, "Relu")),
    # Numbers of PT2E, in a space of their own.
    (f"{_PT2E}quantize_per_tensor", "QuantizeLinear", quantized.quantize_tensor),
    (f"{_PT2E}dequantize_per_tensor", "DequantizeLinear", quantized.dequantize_tensor),
    (f"{_PT2E}quantize_per_channel", "QuantizeLinear", quantized.quantize_channels),
    (f"{_PT2E}dequantize_per_channel", "DequantizeLinear", quantized.dequantize_channels),
    # Pools and reductions.
    ("max_pool1d", "MaxPool", layers.pool(1, "MaxPool")),
    ("max_pool2d max_pool2d_with_indices", "MaxPool", layers.pool(2, "MaxPool")),
    ("avg_pool1d", "AveragePool", layers.pool(1, "AveragePool")),
    ("avg_pool2d", "AveragePool", layers.pool(2, "AveragePool")),
    ("adaptive_avg_pool1d", _AVERAGE, layers.adaptive_pool(1, "AveragePool")),
    ("adaptive_avg_pool2d _adaptive_avg_pool2d", _AVERAGE, layers.adaptive_pool(2, "AveragePool")),
    ("adaptive_max_pool1d", _MAXIMUM, layers.adaptive_pool(1, "MaxPool")),
    ("adaptive_max_pool2d", _MAXIMUM, layers.adaptive_pool(2, "MaxPool")),
    ("mean", "ReduceMean", maths.reduction("ReduceMean")),
    ("sum", "ReduceSum", maths.reduction("ReduceSum")),
    ("amax max.dim max.default", "ReduceMax", maths.reduction("ReduceMax")),
    ("amin min.dim min.default", "ReduceMin", maths.reduction("ReduceMin")),
    ("upsample_nearest1d upsample_nearest2d", "Resize", layers.resize("nearest")),
    ("upsample_linear1d upsample_bilinear2d", "Resize", layers.resize("linear")),
    _plain("pixel_shuffle", "DepthToSpace", attrs={"blocksize": ("upscale_factor", 0)}, fixed={"mode": "CRD"}),
    # Shapes.
    ("view reshape flatten unflatten _unsafe_view _reshape_alias view_copy", "Reshape Identity", shapes.reshape),
    ("squeeze squeeze_copy", "Squeeze Identity", shapes.squeeze),
    ("unsqueeze unsqueeze_copy", "Unsqueeze", shapes.unsqueeze),
    ("permute permute_copy", "Transpose", shapes.permute),
    ("transpose t swapaxes swapdims transpose_copy t_copy", "Transpose", shapes.transpose),
    ("mT", "Transpose", shapes.matrix_transpose),
    ("expand expand_copy", "Expand Identity", shapes.expand),
    ("cat concat concatenate", "Concat", shapes.cat),
    ("stack", "Reshape Concat", shapes.stack),
    ("slice.Tensor slice_copy", "Slice Identity", shapes.cut),
    ("narrow", "Slice", shapes.narrow),
    ("select.int select_copy.int", "Slice Squeeze", shapes.select),
    ("split split_with_sizes chunk split_copy split_with_sizes_copy", "Split", shapes.split),
    ("unbind", "Split Squeeze", shapes.split),
    ("pad constant_pad_nd", "Pad", shapes.pad),
    # Constants.
    ("full full_like scalar_tensor", "", shapes.filled()),
    ("zeros zeros_like new_zeros", "", shapes.filled(0)),
    ("ones ones_like new_ones", "", shapes.filled(1)),
    ("arange", "", shapes.arange),
    # What computes nothing.
    ("dropout feature_dropout alpha_dropout native_dropout", "Identity", maths.dropout),
    ("contiguous clone detach detach_ alias alias_copy lift lift_fresh lift_fresh_copy to _to_copy type_as positive",
     "Identity Cast", maths.identity),
)  # fmt: skip
TABLE: dict[str, Rule] = {name: rule for names, _, rule in _ENTRIES for name in names.split()}
# Name of ATen -> the operators of ONNX that it can become; none for constants.
BECOMES: dict[str, tuple[str, ...]] = {
    name: tuple(ops.split()) for names, ops, _ in _ENTRIES for name in names.split()
}

# Calls whose result may be a view of their first operand.
VIEWS = frozenset(
    "view reshape flatten unflatten _unsafe_view _reshape_alias squeeze unsqueeze permute transpose t mT swapaxes "
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
    written = overload.endswith("out")
    in_place = written or (name.endswith("_") and name not in TABLE)
    plain = name.removesuffix("_") if in_place else name
    known = space in ("aten", _PT2E.removesuffix(".")) and not written
    if space != "aten":
        plain = f"{space}.{plain}"
    rule = TABLE.get(f"{plain}.{overload}", TABLE.get(plain)) if known else None
    return Meaning(rule, name in VIEWS, in_place)
