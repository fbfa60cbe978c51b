"""One operator three ways on the same bytes: TensorFlow Lite Micro, the simulator, the C kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import kernels
import numpy as np
import oracle
from tflite_writer import Array, TensorSpec, one_op_graph, one_op_model

from edgekit.frontends.tflite import load
from edgekit.graph import Graph
from edgekit.lowering import integer_node, lower
from edgekit.op import load_ops, tflite_ops
from edgekit.passes import canonical
from edgekit.plan import plan
from edgekit.plan.check import check_plan
from edgekit.rewrite.constant_channels import drop_constant_channels
from edgekit.simulate import Simulator


def simulate(graph: Graph, inputs: Mapping[str, Array], c_kernel: bool = True) -> dict[str, Array]:
    """Import, quantize and run the one source node of `graph` (canonical nodes in their order).

    inputs: arrays [samples, *shape] by name. Where `c_kernel` is set each sample of a node with one
    output also runs through C and must agree.
    """
    source = graph.nodes[0]
    arrays = dict(inputs)
    for made in tflite_ops()[source.op].import_tflite(source, graph):
        op = load_ops()[made.op]
        assert op.shapes(made, graph) == [graph.value(n).shape for n in made.outputs]
        node = integer_node(made, graph)
        count = len(next(iter(inputs.values())))
        operands = [
            arrays[name] if name in arrays else _constant(graph, name, count)
            for name in node.inputs
        ]
        for name, out in zip(
            node.outputs, node.op.run(node.params, node.consts, *operands), strict=True
        ):
            arrays[name] = out.reshape(count, *graph.value(name).shape)
        if c_kernel and len(node.outputs) == 1:
            for s in range(count):
                got = kernels.call(node, dict(graph.values), *(x[s] for x in operands))
                np.testing.assert_array_equal(got, arrays[node.outputs[0]][s], "C kernel")
    return arrays


def whole(model: bytes, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of a file's whole program, planned and checked, in its own memory."""
    program = plan(drop_constant_channels(lower(canonical(load(model, "model")))))
    check_plan(program)
    outputs = Simulator(program).run([inputs[name] for name in program.inputs])
    return dict(zip(program.outputs, outputs, strict=True))


def _constant(graph: Graph, name: str, count: int) -> Array:
    data = graph.const(name)
    assert data is not None, name
    return np.broadcast_to(data, (count, *data.shape))


def check(
    op_name: str,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    options: Mapping[str, Any] | None = None,
    samples: int = 8,
    seed: int = 0,
    data: Mapping[str, Array] | None = None,
) -> None:
    """Assert byte equality on `data` (arrays [samples, *shape] by name), else on random inputs, of
    which the first two samples are all lowest and all highest."""
    model = one_op_model(op_name, inputs, outputs, options)
    graph = one_op_graph(op_name, inputs, outputs, options)
    names = graph.inputs
    if data is None:
        data = dict(zip(names, kernels.random_inputs(graph, samples, seed), strict=True))
    samples = len(data[names[0]])
    expected = oracle.tflm(model, [[data[n][s] for n in names] for s in range(samples)])
    got = simulate(graph, data)
    planned = whole(model, data)
    for i, spec in enumerate(outputs):
        want = np.stack([e[i] for e in expected]).reshape(samples, *spec.shape)
        np.testing.assert_array_equal(got[spec.name], want, f"{op_name} against tflite-micro")
        np.testing.assert_array_equal(planned[spec.name], got[spec.name], f"planned {op_name}")
