"""ONNX's own node cases: none gives anything wrong, and the rest is refused with a reason."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto
from onnx_writer import model, node, tensor

from benchmarks.node_cases import node_cases
from benchmarks.onnx_cases import (
    CRASHED,
    OUTSIDE,
    PASSED,
    REFUSED,
    WRONG,
    Outcome,
    compiled,
    judged,
    outcome,
)
from benchmarks.places import compare, inputs
from edgekit.build import Options, compile_program
from edgekit.errors import CODES, EdgekitError
from edgekit.frontends import load_model
from edgekit.passes import canonical
from edgekit.quantize import Calibration
from edgekit.simulate import Simulator
from edgekit.validate.data import quantize

# Files whose cases are made in less than a tenth of a second, from every family of operators.
QUICK = (
    "add", "argmax", "bitshift", "clip", "concat", "cumsum", "depthtospace", "einsum", "equal", "expand",
    "gather", "gatherelements", "gemm", "hardmax", "mod", "onehot", "pad", "reduce_log_sum", "reduceprod",
    "resize", "scatterelements", "sign", "slice", "split", "sum", "topk", "transpose", "trilu", "where",
)  # fmt: skip
IN_C = (
    "test_bitshift_right_int8_negative_shift", "test_qlinearconv", "test_top_k",
    "test_scatter_elements_with_duplicate_indices",
)  # fmt: skip


def verdicts(found: list[Outcome]) -> Counter[str]:
    bad = [each for each in found if each.verdict in (WRONG, CRASHED)]
    assert not bad, "\n".join(f"{each.case}: {each.reason}" for each in bad)
    for each in found:
        if each.verdict == REFUSED:
            assert each.reason.split(":")[0] in CODES, each
    return Counter(each.verdict for each in found)


def test_quick_cases() -> None:
    found = verdicts(judged(node_cases(QUICK)))
    assert found[PASSED] >= 250, found


@pytest.mark.slow
def test_all_cases(capsys: pytest.CaptureFixture[str]) -> None:
    found = verdicts(judged(node_cases()))
    with capsys.disabled():
        print("\nONNX's node cases:", *(f"{n} {verdict}" for verdict, n in sorted(found.items())))
    assert found[PASSED] >= 1400
    assert found[PASSED] + found[REFUSED] + found[OUTSIDE] >= 1800


def in_c(names: set[str] | None, folder: Path, place: str, seed: int = 0) -> int:
    """Planned programs of cases in C, random inputs, against the simulator; how many."""
    chosen = [case for case in node_cases() if not case.outside]
    if names is None:
        chosen = [chosen[i] for i in np.random.default_rng(seed).permutation(len(chosen))[:150]]
    else:
        chosen = [case for case in chosen if case.name in names]
    ran = 0
    for case in chosen:
        try:
            program = compiled(case, folder).program
        except EdgekitError:
            continue
        samples = inputs(program)
        wanted = Simulator(program).run(samples.arrays, samples.sequence)
        assert compare(place, program, samples, wanted).differ == 0, case.name
        ran += 1
    return ran


@pytest.mark.slow
def test_some_cases_in_c(tmp_path: Path) -> None:
    assert in_c(set(IN_C), tmp_path, "host") == len(IN_C)


@pytest.mark.soak
def test_many_cases_in_c(tmp_path: Path) -> None:
    assert in_c(None, tmp_path, "host, sanitizers") > 100


def graph_of(source: object, folder: Path) -> object:
    path = folder / "model.onnx"
    path.write_bytes(source.SerializeToString())  # type: ignore[attr-defined]
    return canonical(load_model(path))


def test_integers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    big = np.array([2**40], np.int64)
    source = model([node("Add", ["x", "c"], ["y"], name="sum")], {"c": big})
    for info in (*source.graph.input, *source.graph.output):
        info.type.tensor_type.elem_type = TensorProto.INT64
    with pytest.raises(EdgekitError) as refused:
        graph_of(source, tmp_path)
    assert refused.value.code == "EK202"
    assert "fit 32" in refused.value.found
    assert "sum" in refused.value.where


def test_defaults_of_a_function_are_kept(tmp_path: Path) -> None:
    """MeanVarianceNormalization is over all axes but the channels, which its definition takes from the
    attribute's default."""
    shapes = {"x": (2, 3, 4, 4)}, {"y": (2, 3, 4, 4)}
    source = model([node("MeanVarianceNormalization", ["x"], ["y"])], {}, *shapes)
    graph = graph_of(source, tmp_path)
    means = [n.attrs["axes"] for n in graph.nodes if n.op == "mean"]  # type: ignore[attr-defined]
    assert len(means) == 2
    assert all(len(axes) == 3 for axes in means)


def test_a_constant_output_is_copied(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["y"]), node("Shape", ["x"], ["s"])]
    source = model(nodes, {})
    source.graph.output.append(tensor("s", (2,), TensorProto.INT64))
    graph = graph_of(source, tmp_path)
    assert [n.op for n in graph.nodes] == ["relu", "constant"]  # type: ignore[attr-defined]


def test_a_refusal_has_a_code_and_a_node(tmp_path: Path) -> None:
    case = next(c for c in node_cases(["det"]) if not c.outside)
    found = outcome(case, tmp_path)
    assert found.verdict == REFUSED
    assert "EK201" in found.reason
    assert "Det" in found.reason


def test_a_mask_of_minus_infinity_costs_ten_and_no_more(tmp_path: Path) -> None:
    """The range of scores under a mask that is computed reaches 10 below the lowest of them; the softmax
    shows none of what is masked."""
    inputs_ = {"x": (6, 6), "m": (6, 6)}
    nodes = [node("Where", ["m", "x", "far"], ["s"]), node("Softmax", ["s"], ["y"])]
    source = model(nodes, {"far": np.array(-np.inf, np.float32)}, inputs_, {"y": (6, 6)})
    source.graph.input[1].type.tensor_type.elem_type = TensorProto.BOOL
    path = tmp_path / "model.onnx"
    path.write_bytes(source.SerializeToString())
    x = np.random.default_rng(0).normal(size=(20, 6, 6)).astype(np.float32)
    mask = np.broadcast_to(np.tril(np.ones((6, 6), bool)), x.shape)
    made = compile_program(path, Options("m"), numbers=Calibration({"x": x, "m": mask}))
    graph = made.quantized
    scores = graph.value(next(n for n in graph.nodes if n.op == "masked").outputs[0])
    lowest = scores.scale * (-128 - scores.zero_point)
    assert float(x.min()) - 10.2 < lowest < float(x.min()) - 8
    (y,) = Simulator(made.program).run([quantize(x, graph.value("x").quant, "int8"), mask])
    assert (y[~mask] == -128).all()
    assert (y[:, 0, 0] == 127).all()


@pytest.mark.parametrize("op", ["Add", "Mul", "MatMul"])
def test_infinity_elsewhere_is_refused(op: str, tmp_path: Path) -> None:
    weights = np.full((4, 4), -np.inf, np.float32)
    source = model([node(op, ["x", "w"], ["y"])], {"w": weights}, {"x": (4, 4)}, {"y": (4, 4)})
    with pytest.raises(EdgekitError) as refused:
        graph_of(source, tmp_path)
    assert refused.value.code == "EK304"
