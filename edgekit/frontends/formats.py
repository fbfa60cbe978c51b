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
        "int8 files and files of int16 activations with int8 weights, their numbers untouched, weights of four bits "
        "too; legacy uint8 files, converted exactly; float32, float16 and dynamic-range files, quantized here; "
        "variables (streaming models); QUANTIZE and DEQUANTIZE at the edges",
        "dynamic shapes, sparse or external buffers, loops without a known bound",
    ),
    Format(
        "onnx",
        "ONNX (`.onnx`)",
        "operator sets 9 to the newest of the installed `onnx`, older ones where their operators are the "
        "same; QDQ models and QLinear operators with int8 or uint8 numbers, kept; float models, quantized "
        "here; integers of 8 to 32 bits and booleans exactly, those of 64 bits where they fit 32; symbolic "
        "sizes by `--dim`; external data inside the model's folder; functions, the model's own and ONNX's, "
        "inlined",
        "blocked or sub-byte quantization, scales computed from data, shapes that depend on data, control "
        "flow, sequences, strings, custom domains, external data by absolute path, `..`, symbolic or hard link",
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
