"""Writes `.pt2` archives without torch: the layout of torch.export.save, part by part."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

CODES = {"uint8": 1, "int64": 5, "float16": 6, "float32": 7, "float64": 8, "bool": 12}


@dataclass(frozen=True)
class T:
    """A tensor as an argument."""

    name: str


def union(value: Any) -> dict[str, Any]:
    """An argument as the schema writes it; a dict is one already."""
    match value:
        case dict():
            return value
        case None:
            return {"as_none": True}
        case T(name):
            return {"as_tensor": {"name": name}}
        case bool():
            return {"as_bool": value}
        case int():
            return {"as_int": value}
        case float():
            return {"as_float": value}
        case str():
            return {"as_string": value}
        case [T(), *_]:
            return {"as_tensors": [{"name": each.name} for each in value]}
        case _:
            return {"as_ints": list(value)}


def size(n: int | str) -> dict[str, Any]:
    """A dimension; text is an expression of symbols."""
    return {"as_int": n} if isinstance(n, int) else {"as_expr": {"expr_str": n, "hint": None}}


def meta(
    shape: Sequence[int | str], dtype: str = "float32", strides: Sequence[int] = (), offset: int = 0
) -> dict[str, Any]:
    steps = list(strides) or [1] * len(shape)
    if not strides and all(isinstance(n, int) for n in shape):
        steps = [int(np.prod(shape[i + 1 :], dtype=np.int64)) for i in range(len(shape))]  # type: ignore[arg-type]
    return {
        "dtype": CODES[dtype], "sizes": [size(n) for n in shape], "requires_grad": False,
        "device": {"type": "cpu", "index": None}, "strides": [size(n) for n in steps],
        "storage_offset": size(offset), "layout": 7,
    }  # fmt: skip


def call(target: str, output: str | list[str], **arguments: Any) -> dict[str, Any]:
    """A node; a list of outputs is one output that is a list."""
    listed = isinstance(output, list)
    made = (
        {"as_tensors": [{"name": n} for n in output]} if listed else {"as_tensor": {"name": output}}
    )
    inputs = [{"name": k, "arg": union(v), "kind": 1} for k, v in arguments.items()]
    return {
        "target": f"torch.ops.aten.{target}",
        "inputs": inputs,
        "outputs": [made],
        "metadata": {},
    }


@dataclass
class Net:
    """A program. `tensors` holds the shape of every tensor of the graph, weights included."""

    nodes: list[dict[str, Any]]
    tensors: dict[str, Sequence[int | str]]
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: Sequence[str] = ("x",)
    outputs: Sequence[str] = ("y",)
    changes: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        specs = [
            {"parameter": {"arg": {"name": f"p_{n.replace('.', '_')}"}, "parameter_name": n}}
            for n in self.weights
        ]
        specs += [{"user_input": {"arg": union(T(n))}} for n in self.inputs]
        outputs = [{"user_output": {"arg": union(T(n))}} for n in self.outputs]
        graph = {
            "inputs": [], "outputs": [union(T(n)) for n in self.outputs], "nodes": self.nodes,
            "tensor_values": {n: meta(s) for n, s in self.tensors.items()},
            "sym_int_values": {}, "sym_bool_values": {}, "is_single_tensor_return": False,
        }  # fmt: skip
        return {
            "graph_module": {"graph": graph, "signature": {"input_specs": specs, "output_specs": outputs}},
            "opset_version": {"aten": 10}, "range_constraints": {},
            "schema_version": {"major": 8, "minor": 20}, "torch_version": "2.13.0",
        } | dict(self.changes)  # fmt: skip

    def members(self) -> dict[str, bytes]:
        """Name without root folder -> content."""
        config = {
            n: {"path_name": f"weight_{i}", "is_param": True, "use_pickle": False, "tensor_meta": meta(w.shape, str(w.dtype))}
            for i, (n, w) in enumerate(self.weights.items())
        }  # fmt: skip
        files = {
            f"data/weights/weight_{i}": w.tobytes() for i, w in enumerate(self.weights.values())
        }
        return files | {
            "data/weights/model_weights_config.json": json.dumps({"config": config}).encode(),
            "data/constants/model_constants_config.json": b'{"config": {}}',
            "models/model.json": json.dumps(self.document()).encode(),
            "data/sample_inputs/model.pt": b"\x80\x04never opened.",
            "archive_format": b"pt2",
            "byteorder": b"little",
        }


def archive(members: Mapping[str, bytes], packed: bool = False) -> bytes:
    stream = io.BytesIO()
    method = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(f"net/{name}"), content, method)
    return stream.getvalue()


def small() -> Net:
    """Convolution, batch norm, activation, mean and a dense layer on 1x2x5x5."""
    rng = np.random.default_rng(0)

    def random(*shape: int) -> np.ndarray:
        return rng.random(shape, np.float32)

    weights = {
        "conv.weight": random(3, 2, 3, 3), "conv.bias": random(3), "norm.weight": random(3),
        "norm.bias": random(3), "norm.running_mean": random(3), "norm.running_var": random(3) + 1,
        "head.weight": random(4, 3), "head.bias": random(4),
    }  # fmt: skip
    nodes = [
        call("conv2d.default", "conv2d", input=T("x"), weight=T("p_conv_weight"), bias=T("p_conv_bias"),
             stride=[2, 2], padding=[1, 1]),
        call("batch_norm.default", "batch_norm", input=T("conv2d"), weight=T("p_norm_weight"),
             bias=T("p_norm_bias"), running_mean=T("p_norm_running_mean"),
             running_var=T("p_norm_running_var"), training=False, momentum=0.1, eps=1e-5, cudnn_enabled=False),
        call("relu_.default", "relu_", self=T("batch_norm")),
        call("mean.dim", "mean", self=T("relu_"), dim=[2, 3]),
        call("linear.default", "y", input=T("mean"), weight=T("p_head_weight"), bias=T("p_head_bias")),
    ]  # fmt: skip
    tensors: dict[str, Sequence[int | str]] = {"x": (1, 2, 5, 5), "conv2d": (1, 3, 3, 3)}
    tensors |= {"batch_norm": (1, 3, 3, 3), "relu_": (1, 3, 3, 3), "mean": (1, 3), "y": (1, 4)}
    tensors |= {f"p_{n.replace('.', '_')}": w.shape for n, w in weights.items()}
    return Net(nodes, tensors, weights)
