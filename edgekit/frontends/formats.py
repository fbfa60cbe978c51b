"""What is taken of each source format and what is refused: the text of `edgekit ops` and the README."""

from __future__ import annotations

from typing import NamedTuple


class Format(NamedTuple):
    """A source format; `key` names its operators in the catalogue."""

    key: str
    name: str
    taken: str
    refused: str


FORMATS = (
    Format(
        "tflite",
        "TensorFlow Lite (`.tflite`)",
        "int8 files and files of int16 activations with int8 weights, their numbers untouched; legacy uint8 files, "
        "converted exactly; float32, float16 and dynamic-range files, quantized here; "
        "variables (streaming models); QUANTIZE and DEQUANTIZE at the edges",
        "dynamic shapes, sparse or external buffers, loops",
    ),
    Format(
        "onnx",
        "ONNX (`.onnx`)",
        "operator sets 9 to the newest of the installed `onnx`, older ones where their operators are the same; QDQ models with int8 or uint8 numbers, "
        "kept; float models, quantized here; batch 1; symbolic sizes by `--dim`; external data inside the "
        "model's folder; local functions, inlined",
        "QLinear and ConvInteger operators, blocked or sub-byte quantization, control flow, sequences, "
        "custom domains, external data by absolute path, `..`, symbolic or hard link",
    ),
    Format(
        "torch",
        "PyTorch (`.pt2`, or a live `torch.nn.Module`)",
        "programs of `torch.export.save` from torch 2.9 on, read without torch and without opening a "
        "pickle; modules in evaluation mode through `edgekit.build(model, example_inputs=...)`; "
        "programs of PT2E with their numbers, others quantized here",
        "TorchScript, `state_dict` files and pickles; programs that change their buffers; higher-order "
        "operators",
    ),
)
