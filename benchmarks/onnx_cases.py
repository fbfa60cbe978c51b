"""ONNX's own node cases through the whole pipeline: `python -m benchmarks.onnx_cases [WORD...]`.

Each case is a model of one operator, or of the body of a function, with an input and the wanted
output. It is imported, quantized on its own input, planned, and run on the simulator. WORDs limit it
to cases whose names hold one of them. What passes has shown three things:

1. the imported graph, in real numbers, gives the wanted output within the case's own tolerance;
2. what every node of the integer graph makes of its operands is its real function of them within a
   step of the output's scale (the operator's own `tolerance`, where that is larger); integers,
   booleans and moved data are equal;
3. the planned program gives the bytes of the graph that is evaluated node by node without a plan, and
   where the output is made of integers alone, the wanted output exactly.

Operands that an integer program must know are bound as constants, as few as will do.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper

from benchmarks.__main__ import table
from benchmarks.node_cases import NodeCase, as_array, element_type, node_cases
from edgekit.build import Compiled, Options, compile_program
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Value
from edgekit.op import load_ops
from edgekit.quantize import Calibration, Settings
from edgekit.quantize.evaluate import run_integer, run_real
from edgekit.simulate import Simulator
from edgekit.validate.data import dequantize, quantize

Array = NDArray[Any]
PASSED, REFUSED, WRONG, CRASHED, OUTSIDE = "passed", "refused", "wrong", "crashed", "outside"
VERDICTS = (PASSED, REFUSED, WRONG, CRASHED, OUTSIDE)
# A case has one input, of which nothing is to be cut.
SETTINGS = Settings(ranges="minmax", equalize=False, bias_correction=False)
_DYNAMIC = "EK104"
# Of the cases themselves, and of what is computed in half precision.
_RELATIVE = {"float16": 4e-3, "bfloat16": 2e-2}
_DEFAULT = 1e-3


@dataclass(frozen=True)
class Outcome:
    """What became of a case. reason: why it is not `PASSED`. bound: the operands made constant. steps:
    how far the output is from the wanted one, in steps of its scale."""

    case: str
    op: str
    verdict: str
    reason: str = ""
    bound: tuple[str, ...] = ()
    steps: float = 0.0


def outcome(case: NodeCase, folder: Path) -> Outcome:
    """What becomes of a case; `folder` is for its model."""
    if case.outside:
        return Outcome(case.name, case.op, OUTSIDE, case.outside)
    try:
        return _run(case, folder)
    except Exception as bug:  # of whatever kind: it is counted, and the other cases go on
        return Outcome(case.name, case.op, CRASHED, f"{type(bug).__name__}: {bug}")


def _run(case: NodeCase, folder: Path) -> Outcome:
    refusals: list[EdgekitError] = []
    for bound in _bindings(case):
        if refusals and len(bound) == len(case.inputs) and refusals[-1].code != _DYNAMIC:
            continue
        try:
            compiled = _compiled(case, bound, folder)
        except EdgekitError as refused:
            refusals.append(refused)
            continue
        verdict, reason, steps = _judged(case, compiled)
        return Outcome(case.name, case.op, verdict, reason, bound, steps)
    # Of several reasons, the first that is the operator's own.
    own = [r for r in refusals if r.code != _DYNAMIC] or refusals
    return Outcome(case.name, case.op, REFUSED, str(own[0]))


def _bindings(case: NodeCase) -> Iterator[tuple[str, ...]]:
    """Which inputs to make constant, the fewest first. All of them is for operators whose output has a
    shape that depends on the numbers in them."""
    names = [info.name for info in case.model.graph.input]
    arrays = dict(zip(names, map(as_array, case.inputs), strict=True))
    small = tuple(n for n in names if arrays[n].dtype.kind in "iub")
    plans = [(), small if len(small) < len(names) else small[1:], tuple(names[1:]), tuple(names)]
    yield from dict.fromkeys(plans)


def compiled(case: NodeCase, folder: Path) -> Compiled:
    """The stages of a case with the fewest constants. Raises the last refusal."""
    refusals: list[EdgekitError] = []
    for bound in _bindings(case):
        try:
            return _compiled(case, bound, folder)
        except EdgekitError as refused:
            refusals.append(refused)
    raise refusals[-1]


def _compiled(case: NodeCase, bound: Sequence[str], folder: Path) -> Compiled:
    model, inputs = _with_constants(case, bound)
    path = folder / "case.onnx"
    path.write_bytes(model.SerializeToString())
    numbers = Calibration({name: _samples(x) for name, x in inputs.items()})
    options = Options("case", quantization=SETTINGS, optimize="speed")
    return compile_program(path, options, numbers=numbers)


def _with_constants(case: NodeCase, bound: Sequence[str]) -> tuple[ModelProto, dict[str, Array]]:
    """The model with some inputs as constants, and those that are left. A network has an input, so
    where none would be left the first stays, and nothing reads it."""
    model = ModelProto()
    model.CopyFrom(case.model)
    left, kept = {}, []
    for info, given in zip(case.model.graph.input, case.inputs, strict=True):
        x = as_array(given)
        if info.name not in bound:
            left[info.name] = x
            kept.append(info)
            continue
        model.graph.initializer.append(numpy_helper.from_array(x, info.name))
    if not kept:
        spare = model.graph.input.add()
        spare.CopyFrom(case.model.graph.input[0])
        spare.name = f"{spare.name}_unread"
        left[spare.name] = as_array(case.inputs[0])
        kept = [spare]
    kept = [type(info).FromString(info.SerializeToString()) for info in kept]
    model.graph.ClearField("input")
    model.graph.input.extend(kept)
    model.ir_version = max(model.ir_version, 4)  # since which constants need not be inputs
    return model, left


def _samples(x: Array) -> Array:
    """Two samples to calibrate on: the input, and its nearest neighbour, since one value alone has no
    range."""
    if x.dtype.kind != "f":
        return np.stack([x, x])
    x = x.astype(np.float32)
    near = np.where(
        x == 0, np.float32(2**-20), np.nextafter(x, np.where(x == 1, 0, 1).astype(np.float32))
    )
    return np.stack([x, near])


def _judged(case: NodeCase, compiled: Compiled) -> tuple[str, str, float]:
    """Verdict, reason and distance of a case that compiles."""
    given = {
        info.name: as_array(x) for info, x in zip(case.model.graph.input, case.inputs, strict=True)
    }
    wanted = {
        info.name: as_array(x)
        for info, x in zip(case.model.graph.output, case.outputs, strict=True)
    }
    relative = {
        info.name: _RELATIVE.get(element_type(x), _DEFAULT)
        for info, x in zip(case.model.graph.output, case.outputs, strict=True)
    }
    graph, quantized = compiled.canonical, compiled.quantized
    fed = {
        name: _fed(quantized, name, given[name.removesuffix("_unread")])
        for name in quantized.inputs
    }
    for name, found in _real_outputs(graph, given).items():
        value = graph.value(name)
        if not _near(found, _real_wanted(value, wanted[name]), value, relative[name]):
            return WRONG, f"the imported graph gives another {name}", 0.0
    live, reason = _evaluated(quantized, fed)
    if reason:
        return WRONG, reason, 0.0
    made = Simulator(compiled.program).run([fed[name] for name in compiled.program.inputs])
    steps = 0.0
    for name, out in zip(compiled.program.outputs, made, strict=True):
        if not np.array_equal(out.reshape(-1), live[name].reshape(-1)):
            return WRONG, f"the plan changes {name}", 0.0
        value = quantized.value(name)
        goal = _real_wanted(value, wanted[name])
        found = _source(quantized, name, dequantize(out[0], value.quant)).reshape(goal.shape)
        off = np.abs(found - goal).max(initial=0)
        if value.quant is not None:
            steps = max(steps, float(off) / value.scale)
        elif off and not any(v.quant for v in quantized.values.values()):
            return WRONG, f"{name} is not exact", float(off)
    return PASSED, "", steps


def _fed(graph: Graph, name: str, x: Array) -> Array:
    """A case's input as the program takes it, [1, *shape]."""
    value = graph.value(name)
    ours = _ours(graph, name, x)
    if value.quant is not None and ours.dtype.kind == "f":
        ours = quantize(ours, value.quant, value.dtype)
    return ours.astype(value.dtype).reshape(1, *value.shape)


def _ours(graph: Graph, name: str, x: Array) -> Array:
    return graph.layouts[name].ours(x, 0) if name in graph.layouts else x


def _source(graph: Graph, name: str, x: Array) -> Array:
    return graph.layouts[name].source(x, 0) if name in graph.layouts else x


def _real_outputs(graph: Graph, given: Mapping[str, Array]) -> dict[str, Array]:
    """The outputs of a canonical graph in real numbers, with the source's axes."""
    live = {}
    for name in graph.inputs:
        value, x = graph.value(name), _fed(graph, name, given[name.removesuffix("_unread")])[0]
        live[name] = x if value.quant is None else dequantize(x, value.quant)
    for node in graph.nodes:
        live.update(zip(node.outputs, run_real(node, graph, live), strict=True))
    return {name: _source(graph, name, live[name]) for name in graph.outputs}


def _real_wanted(value: Value, x: Array) -> Array:
    """A wanted output in real numbers: unsigned bytes may be kept as signed ones."""
    if value.quant is None or x.dtype.kind == "f":
        return x.astype(np.float64)
    shift = 128 if (str(x.dtype), value.dtype) == ("uint8", "int8") else 0
    return dequantize(x.astype(np.int64) - shift, value.quant)


def _near(found: Array, goal: Array, value: Value, relative: float) -> bool:
    """Within the case's tolerance; where the source itself says in which steps, within half of one."""
    least = 1e-3 * relative * float(np.abs(goal).max(initial=0)) + 1e-7
    if value.quant is not None:
        info = np.iinfo(value.dtype)
        ends = dequantize(np.array([info.min, info.max]), value.quant)
        found, least = np.clip(found, *ends), 0.501 * value.scale
    return bool(np.allclose(found.reshape(goal.shape), goal, rtol=relative, atol=least))


def _evaluated(graph: Graph, fed: Mapping[str, Array]) -> tuple[dict[str, Array], str]:
    """Every tensor of a quantized graph, node by node without a plan, [1, *shape]; and the first node
    whose integers are not those of its real function."""
    live = dict(fed)
    for node in graph.nodes:
        real = {n: dequantize(live[n][0], graph.value(n).quant) for n in node.inputs if n in live}
        real = {n: live[n][0] if graph.value(n).quant is None else x for n, x in real.items()}
        for name, out, goal in zip(
            node.outputs, run_integer(node, graph, live), run_real(node, graph, real), strict=True
        ):
            live[name] = out
            value = graph.value(name)
            off = _distance(value, out[0], goal)
            if value.dtype == "int16" and load_ops()[node.op].accumulates:
                off *= value.scale / graph.value(node.outputs[0]).scale  # in steps of what is shown
            if off > (max(1.0, load_ops()[node.op].tolerance) if value.quant else 0):
                return live, f"node {node.name} ({node.op}) is {off:.3g} off"
    return live, ""


def _distance(value: Value, out: Array, goal: Array) -> float:
    """How far integers are from what they stand for, in steps; what no step reaches is the last one."""
    if value.quant is None:
        return float(np.abs(out.astype(np.int64) - goal.astype(np.int64)).max(initial=0))
    info = np.iinfo(value.dtype)
    steps = np.clip(goal / value.scale + value.zero_point, info.min, info.max)
    return float(np.abs(out - steps).max(initial=0)) - 1e-4


def report(found: Sequence[Outcome]) -> str:
    """The table: each group of cases by its verdicts, the reasons of those outside, and the sums."""
    rows = []
    for op in sorted({each.op for each in found}):
        verdicts = Counter(each.verdict for each in found if each.op == op)
        rows.append([op, *(str(verdicts[v] or "") for v in VERDICTS)])
    outside = Counter(each.reason for each in found if each.verdict == OUTSIDE)
    refused = Counter(each.reason.split(":")[0] for each in found if each.verdict == REFUSED)
    total = Counter(each.verdict for each in found)
    near = [each.steps for each in found if each.verdict == PASSED]
    return "\n".join([
        table(("cases of", *VERDICTS), rows),
        "",
        f"{len(found)} cases, {len(found) - total[OUTSIDE]} applicable: {total[PASSED]} passed, "
        f"{total[REFUSED]} refused, {total[WRONG]} wrong, {total[CRASHED]} crashed",
        f"{sum(s <= 1 for s in near)} of those that passed are within a step of the wanted output, "
        f"{sum(s <= 2 for s in near)} within two; in the others an input's own step weighs more",
        *(f"refused with {code}: {n}" for code, n in refused.most_common()),
        *(f"outside, {reason}: {n}" for reason, n in outside.most_common()),
    ])  # fmt: skip


def judged(cases: Sequence[NodeCase]) -> list[Outcome]:
    """What becomes of each."""
    with tempfile.TemporaryDirectory() as folder:
        return [outcome(case, Path(folder)) for case in cases]


def main() -> int:
    """Print the table; the exit code is 1 where a case gives something wrong."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.onnx_cases", description=__doc__)
    parser.add_argument("words", nargs="*", help="parts of the names of cases, by default all")
    parser.add_argument("--each", action="store_true", help="a line a case that does not pass")
    arguments = parser.parse_args()
    chosen = [
        case
        for case in node_cases()
        if not arguments.words or any(w in case.name for w in arguments.words)
    ]
    found = judged(chosen)
    print(report(found))
    if arguments.each:
        for each in found:
            if each.verdict != PASSED:
                print(f"{each.case}: {each.verdict}: {each.reason}")
    return int(any(each.verdict in (WRONG, CRASHED) for each in found))


if __name__ == "__main__":
    raise SystemExit(main())
