"""Calls the C kernels through ctypes: one shared library, structs built from Params.

Variants for other machines are in it too: their instructions have C functions of the same results.
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.data import data_dir
from edgekit.graph import Graph, IntNode, Value, limits
from edgekit.headers import kernels
from edgekit.op import Kernel, const_dtype, load_ops, params_fields
from edgekit.program import Program

Array = NDArray[Any]
_C = {"int8_t": ctypes.c_int8, "uint8_t": ctypes.c_uint8, "uint16_t": ctypes.c_uint16, "int16_t": ctypes.c_int16, "int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64}  # fmt: skip


class Rows(ctypes.Structure):
    _fields_ = [
        ("base", ctypes.c_void_p),
        ("at", ctypes.c_void_p),
        ("row_bytes", ctypes.c_int32),
        ("first", ctypes.c_int32),
        ("count", ctypes.c_int32),
    ]


@functools.cache
def library(*flags: str) -> ctypes.CDLL:
    """All kernels compiled for this machine; gcc or clang where installed, else zig cc. Processes that
    test at the same time share it: the first one compiles."""
    system = shutil.which("cc") or shutil.which("clang")
    command = [system] if system else [sys.executable, "-m", "ziglang", "cc"]
    runtime = data_dir("runtime")
    sources = [runtime / "kernels" / f"{name}.c" for name in kernels()]
    texts = [*sources, *sorted((runtime / "include").glob("*.h"))]
    known = hashlib.sha256(b"".join(path.read_bytes() for path in texts))
    known.update(repr((command, flags)).encode())
    folder = Path(tempfile.gettempdir()) / f"edgekit-kernels-{known.hexdigest()[:16]}"
    folder.mkdir(exist_ok=True)
    made = folder / "kernels.so"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            shared = [*command, "-std=c99", "-O2", "-shared", "-fPIC", *flags, f"-I{runtime / 'include'}"]  # fmt: skip
            subprocess.run([*shared, *map(str, sources), "-o", str(folder / "new.so")], check=True)
            (folder / "new.so").rename(made)
    return ctypes.CDLL(str(made))


def struct_of(node: IntNode, keep: list[Any]) -> ctypes.Structure:
    """The C params struct of a node; arrays it points to are appended to `keep`."""
    kernel = Kernel(node.op, node.variant)
    packed = kernel.pack(node.params, node.consts)
    fields: list[tuple[str, Any]] = []
    for f in params_fields(kernel.params):
        ctype = _C[f.metadata["c"]]
        fields.append((f.name, ctype * f.metadata["length"] if f.metadata["length"] else ctype))
    fields += [(const.name, ctypes.c_void_p) for const in kernel.consts]
    kind = type(f"{kernel.name}_params", (ctypes.Structure,), {"_fields_": fields})
    struct = kind()
    for f in params_fields(kernel.params):
        value = getattr(packed.params, f.name)
        setattr(struct, f.name, dict(fields)[f.name](*value) if f.metadata["length"] else value)
    for const in kernel.consts:
        array = np.ascontiguousarray(packed.consts[const.name], const_dtype(const))
        keep.append(array)
        setattr(struct, const.name, array.ctypes.data)
    return struct


def _rows(array: Array, keep: list[Any]) -> Any:
    """An [1, H, W, C] array as ek_rows."""
    rows = Rows(array.ctypes.data, None, array.nbytes // array.shape[1], 0, array.shape[1])
    keep += [rows, array]
    return ctypes.byref(rows)


def call(
    node: IntNode, values: dict[str, Value], *inputs: Array, strip: int | None = None,
    more: list[Array] | None = None,
) -> Array:  # fmt: skip
    """Run the C kernel of a node on one sample; inputs have the graph's shapes.

    `strip` makes a strip kernel be called for that many output rows at a time. Outputs behind the
    first are appended to `more`.
    Scratch and output are surrounded by guard bytes, which are checked.
    """
    keep: list[Any] = []
    params = ctypes.byref(struct_of(node, keep))
    out = values[node.outputs[0]]
    guarded = np.full(out.nbytes + 64, 0x5A, np.uint8)
    output = guarded[32 : 32 + out.nbytes].view(out.dtype).reshape(out.shape)
    arrays = [np.ascontiguousarray(x) for x in inputs]
    # What the kernel writes in place is the caller's own array.
    for name, given, x in zip(node.op.inputs, inputs, arrays, strict=False):
        assert name not in node.op.states or given is x, f"{name} must be contiguous"
    function = getattr(library(), Kernel(node.op, node.variant).symbol)
    scratch_bytes = node.scratch(values)
    scratch = np.full(scratch_bytes + 64, 0x5A, np.uint8)
    pointers = [ctypes.c_void_p(x.ctypes.data) for x in arrays]
    if node.op.signature == "rows":
        height = out.shape[1]
        step = strip or height
        ins = [_rows(x, keep) for x in arrays]
        if node.op.inputs[-1].endswith("..."):
            ins = [(ctypes.c_void_p * len(ins))(*(ctypes.addressof(r._obj) for r in ins))]
        for first in range(0, height, step):
            n = min(step, height - first)
            function(params, *ins, _rows(output, keep), ctypes.c_int32(first), ctypes.c_int32(n),
                     ctypes.c_void_p(scratch[32:].ctypes.data))  # fmt: skip
    elif node.op.signature == "sum":
        height = arrays[0].shape[1]
        step = strip or height
        for first in range(0, height, step):
            n = min(step, height - first)
            function(params, _rows(arrays[0], keep), ctypes.c_void_p(output.ctypes.data),
                     ctypes.c_int32(first), ctypes.c_int32(n),
                     ctypes.c_void_p(scratch[32:].ctypes.data))  # fmt: skip
    elif node.op.signature == "each":
        row, height = out.nbytes // out.shape[1], out.shape[1]
        for y in range(height):
            ins = [x.ctypes.data + y * row * (x.nbytes == out.nbytes) for x in arrays]
            made = ctypes.c_void_p(output.ctypes.data + y * row)
            function(params, *map(ctypes.c_void_p, ins), made)
    elif node.op.inputs[-1].endswith("..."):
        table = (ctypes.c_void_p * len(pointers))(*(p.value for p in pointers))
        function(params, table, ctypes.c_void_p(output.ctypes.data))
    elif node.op.signature == "flat":
        function(
            params, *pointers, ctypes.c_void_p(output.ctypes.data), ctypes.c_int32(out.elements)
        )
    else:
        others = [
            np.zeros(values[n].shape, values[n].dtype) for n in node.outputs[1:] if node.op.more
        ]
        ends = [ctypes.c_void_p(x.ctypes.data) for x in (output, *others)]
        function(params, *pointers, *ends)
        if more is not None:
            more += others
    assert (guarded[:32] == 0x5A).all(), "bytes before the output were written"
    assert (guarded[32 + out.nbytes :] == 0x5A).all(), "bytes after the output were written"
    assert (scratch[:32] == 0x5A).all(), "bytes before the scratch were written"
    assert (scratch[32 + scratch_bytes :] == 0x5A).all(), "bytes after the scratch were written"
    return output.copy()


def run_rows(program: Program, arena: int) -> None:
    """Run a program's only step, a strip kernel, in one call on an arena at an address."""
    keep: list[Any] = []
    (step,) = program.steps
    buffers = [program.buffers[name] for name in (*step.inputs, *step.outputs)]
    rows = [Rows(arena + b.offset, None, b.row_bytes, 0, b.shape[1]) for b in buffers]
    node = IntNode(
        step.name, step.op, step.params, step.inputs, step.outputs, step.consts, step.variant
    )
    getattr(library(), step.kernel.symbol)(
        ctypes.byref(struct_of(node, keep)), *map(ctypes.byref, rows), ctypes.c_int32(0),
        ctypes.c_int32(buffers[-1].shape[1]), ctypes.c_void_p(arena + step.scratch_offset),
    )  # fmt: skip


def lower(graph: Graph) -> tuple[IntNode, dict[str, Value]]:
    """The single node of a case's graph, quantized; its output shape is checked on the way."""
    node = graph.nodes[0]
    op = load_ops()[node.op]
    assert [graph.value(name).shape for name in node.outputs] == op.shapes(node, graph)
    return op.quantize(node, graph), dict(graph.values)


def random_inputs(graph: Graph, count: int, seed: int = 0) -> list[Array]:
    """Arrays [count, *shape] for each graph input; the first two samples are all -128 and all 127."""
    rng = np.random.default_rng(seed)
    arrays = []
    for name in graph.inputs:
        value = graph.value(name)
        low, high = limits(value.dtype)
        size = (count, *value.shape)
        if value.dtype == "uint64":
            x = rng.integers(low, high, size, np.uint64, endpoint=True)
        else:
            x = rng.integers(low, high + 1, size).astype(value.dtype)
        x[0], x[1] = low, high
        arrays.append(x)
    return arrays


def operands(node: IntNode, graph: Graph, inputs: list[Array]) -> list[Array]:
    """The arrays of a node's operands: of the graph inputs given, constants repeated per sample."""
    given = dict(zip(graph.inputs, inputs, strict=True))

    def constant(name: str) -> Array:
        data = graph.const(name)
        assert data is not None, name
        return np.broadcast_to(data, (len(inputs[0]), *data.shape))

    return [given[name] if name in given else constant(name) for name in node.inputs]
