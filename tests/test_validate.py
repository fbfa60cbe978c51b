"""Comparison and the report of `validate`, on places and originals made for the purpose."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Layout, Node, Quant, Value
from edgekit.report import accuracy_gate, parse_budget
from edgekit.screens import validate_screen
from edgekit.validate.compare import compare, compare_layers, first_difference, layers_json
from edgekit.validate.data import Samples, dequantize, quantize
from edgekit.validate.fidelity import layer_errors, quantized_names
from edgekit.validate.reference import Reference
from edgekit.validate.run import Original, validate_places

Array = NDArray[Any]
INPUT = Value("x", (4,), "int8", Quant((0.5,), (1,)))
OUTPUT = Value("out", (4,), "int8", Quant((0.25,), (-3,)))


class Doubler:
    """A place that computes out = 2 x + state; `fault` adds 1 to a layer at one sample and step."""

    def __init__(self, name: str, fault: tuple[int, int] | None = None, hidden: bool = False):
        self.name, self.fault, self.hidden = name, fault, hidden

    def run(self, inputs: Sequence[Array], steps: bool = False) -> list[Array]:
        out = 2 * inputs[0]
        if steps:
            out = out + np.arange(out.shape[1], dtype=np.int8)[:, None]
        if self.fault and not self.hidden:
            out[self.fault if steps else self.fault[0]] += 1
        return [out]

    def trace(self, inputs: Sequence[Array], steps: bool = False) -> list[tuple[str, str, Array]]:
        x = inputs[0][-1] if steps else inputs[0]
        wrong = self.fault is not None and (not steps or len(inputs[0]) == self.fault[1] + 1)
        double = 2 * x + np.int8(wrong)
        return [("one", "copy", x), ("two", "double", double), ("three", "out", double)]


def original(engine: str = "tflite-micro", real: bool = False) -> Original:
    place = Doubler("original")

    def run(samples: Samples, intermediates: bool) -> Reference:
        outputs = place.run(samples.arrays, samples.sequence)
        if real:
            outputs = [dequantize(x, OUTPUT.quant).astype(np.float32) for x in outputs]
        trace = place.trace([x[0] for x in samples.arrays], samples.sequence)
        tensors = {i: array for i, (_, _, array) in enumerate(trace)} if intermediates else {}
        return Reference(engine, tuple(outputs), tensors)

    return Original(run, ("copy", "double", "out"))


def samples(sequence: bool = False, y: Array | None = None) -> Samples:
    lead = (3, 5) if sequence else (3,)
    x = np.random.default_rng(1).integers(-30, 30, (*lead, 4)).astype(np.int8)
    return Samples((INPUT,), (x,), sequence, y, source="made here")


def test_compare_counts_elements() -> None:
    a = np.array([[1, 5, 2], [9, 0, 0]], np.int8)
    b = np.array([[1, 5, 7], [9, 0, 0]], np.int8)
    assert compare("host", "device", [a], [b]) == {
        "a": "host",
        "b": "device",
        "samples": 2,
        "outputs_compared": 6,
        "mismatches": 1,
        "bit_exact": False,
        "max_abs_error": 5,
        "agreement_top1": 0.5,
    }
    assert compare("a", "b", [a[:, :1]], [a[:, :1]])["agreement_top1"] is None
    assert first_difference([a], [b]) == 0
    assert first_difference([a], [a]) is None


def test_layers_known_to_one_side_only_are_left_out() -> None:
    a, b = np.zeros((1, 6), np.int8), np.zeros((2, 3), np.int8)
    trace = [("pad", "padded", a), ("conv", "c", a), ("cast", "f", a), ("dense", "d", a + 1)]
    layers = compare_layers(trace, {"c": b, "f": b.astype(np.float32), "d": b})
    assert [(layer.name, layer.mismatches) for layer in layers] == [("conv", 0), ("dense", 6)]
    assert layers_json(layers)["first_differing_layer"]["tensor"] == "d"
    assert layers_json(layers[:1]) == {"layers_compared": 1, "first_differing_layer": None}


@pytest.mark.parametrize("sequence", [False, True])
@pytest.mark.parametrize("real", [False, True], ids=["integer edge", "float edge"])
def test_equal_places_pass_every_gate(sequence: bool, real: bool) -> None:
    report = validate_places(
        samples(sequence), [OUTPUT], Doubler("simulator"), Doubler("host"), original(real=real)
    )
    pairs = [(pair["a"], pair["b"], pair["mismatches"]) for pair in report["comparisons"]]
    assert pairs == [
        ("original", "simulator", 0),
        ("simulator", "host", 0),
        ("original", "host", 0),
    ]
    assert report["bit_exact"]
    assert report["sqnr_db"] is None
    assert [gate["passed"] for gate in report["gates"]] == [True, True]
    assert [pair.get("layers_compared") for pair in report["comparisons"]] == [3, 3, None]


def test_a_differing_byte_names_its_layer_and_fails_the_gate() -> None:
    for sequence, fault in ((False, (1, 0)), (True, (2, 3))):
        wrong = Doubler("emulator", fault)
        report = validate_places(samples(sequence), [OUTPUT], Doubler("simulator"), wrong)
        (pair,) = report["comparisons"]
        assert pair["first_differing_layer"]["name"] == "two"
        assert report["mismatches"] == 4
        assert not report["bit_exact"]
        assert report["gates"] == [
            {"name": "simulator = emulator", "limit": 0, "found": 4, "passed": False}
        ]


def test_a_layer_that_differs_behind_equal_outputs_fails_the_gate() -> None:
    wrong = Doubler("host", (0, 0), hidden=True)
    report = validate_places(samples(), [OUTPUT], Doubler("simulator"), wrong)
    assert report["bit_exact"]
    assert not report["gates"][0]["passed"]


def test_only_an_exact_reference_is_a_gate() -> None:
    wrong = Doubler("simulator", (1, 0))
    for engine, names in (("tflite-micro", ["original = simulator"]), ("litert", [])):
        report = validate_places(samples(), [OUTPUT], wrong, original=original(engine))
        assert [gate["name"] for gate in report["gates"]] == names
        assert report["comparisons"][0]["mismatches"] == 4
        assert report["comparisons"][0]["first_differing_layer"]["name"] == "two"
        assert report["reference"] == engine


def test_scores_of_both_sides() -> None:
    given = samples()
    y = given.arrays[0].argmax(axis=1)
    labelled = samples(y=y)
    report = validate_places(labelled, [OUTPUT], Doubler("simulator"), original=original())
    assert (report["metric"], report["accuracy"], report["reference_accuracy"]) == ("top1", 1, 1)
    report = validate_places(labelled, [OUTPUT], Doubler("simulator"), metric="mse")
    real = (given.arrays[0] - 1.0) * 0.5
    ours = (2 * given.arrays[0] + 3.0) * 0.25
    assert report["mse"] == pytest.approx(((ours - real) ** 2).mean())


def test_auc_by_reconstruction_and_by_the_largest_of_a_stream() -> None:
    y = np.array([0, 1, 0])
    x = np.array([[-7] * 4, [30] * 4, [-8] * 4], np.int8)
    windows = Samples((INPUT,), (x,), y=y, source="made here")
    wide = Value("out", (4,), "int8", Quant((0.5,), (-3,)))  # out - in = x / 2 + 2
    report = validate_places(windows, [wide], Doubler("simulator"), metric="auc")
    assert report["auc"] == 1
    one = Value("out", (1,), "int8", Quant((1.0,), (0,)))
    stream = np.array([[[0], [1]], [[9], [0]], [[2], [2]]], np.int8)
    clips = Samples((one,), (stream,), True, y, source="made here")
    assert validate_places(clips, [one], Doubler("simulator"), metric="auc")["auc"] == 1


@pytest.mark.parametrize(("metric", "y"), [("top1", None), ("auc", None), ("top1", np.ones(3))])
def test_a_metric_without_its_labels_is_refused(metric: str, y: Array | None) -> None:
    with pytest.raises(EdgekitError, match="metric") as caught:
        validate_places(samples(y=y), [OUTPUT], Doubler("simulator"), metric=metric)
    assert caught.value.code == "EK004"


REAL_OUTPUT = Value("out", (2, 3), "int8", Quant((0.5,), (4,)))


class Halves:
    """A network in real numbers, y = 3 x - 1 with channels first, and its int8 form channels last."""

    name = "simulator"
    layouts = {"x": Layout((3, 2), (1, 0)), "out": Layout((3, 2), (1, 0)), "y": Layout((3, 2), (1, 0))}  # fmt: skip
    tensors = {
        "y": Value("y", (2, 3), "int8", Quant((0.25,), (0,))),
        "flat": Value("flat", (6,), "int8", Quant((0.5,), (4,))),
        "out": REAL_OUTPUT,
    }

    def run(self, inputs: Sequence[Array], steps: bool = False) -> list[Array]:
        return [quantize(3 * dequantize(inputs[0], INPUT.quant) - 1, REAL_OUTPUT.quant, "int8")]

    def trace(self, inputs: Sequence[Array], steps: bool = False) -> list[tuple[str, str, Array]]:
        y = quantize(3 * dequantize(inputs[0], INPUT.quant), self.tensors["y"].quant, "int8")
        (out,) = self.run(inputs)
        return [("mul", "y", y), ("cast", "flat", out.ravel()), ("sub", "out", out)]

    def original(self, samples: Samples, intermediates: bool) -> Reference:
        x = samples.given[0].astype(np.float32)
        tensors: dict[int | str, Array] = {"y": 3 * x, "flat": x, "fused": x, "out": 3 * x - 1}
        return Reference("onnxruntime", (3 * x - 1,), tensors if intermediates else {})


def real_report(y: Array | None = None, **original: Any) -> dict[str, Any]:
    x = np.random.default_rng(2).uniform(-3, 3, (20, 3, 2)).astype(np.float32)
    tensor = Value("x", (2, 3), "int8", INPUT.quant)
    quantized = quantize(x.transpose(0, 2, 1), INPUT.quant, "int8")
    given = Samples((tensor,), (quantized,), y=y, source="made here", originals=(x,))
    place = Halves()
    source = Original(place.original, (), True, place.tensors, **original)
    return validate_places(given, [REAL_OUTPUT], place, None, source, None, place.layouts)


def test_an_original_in_real_numbers_is_compared_by_ratio_in_its_own_axes() -> None:
    report = real_report()
    (pair,) = report["comparisons"]
    (output,) = pair["outputs"]
    # An input step of 0.5 is off by 0.25 at most, times 3; and half an output step.
    assert 0.5 < output["max_abs_error"] <= 1.0
    assert output["max_error_steps"] == pytest.approx(2 * output["max_abs_error"])
    assert 15 < output["sqnr_db"] < 30
    assert output["agreement_top1"] == pair["agreement_top1"] > 0.7
    assert report["sqnr_db"] == pytest.approx(output["sqnr_db"])
    assert report["gates"] == [], "there is no byte to be equal"


def test_layers_are_matched_by_name_and_the_worst_is_named() -> None:
    (pair,) = real_report()["comparisons"]
    assert [layer["tensor"] for layer in pair["layers"]] == ["y", "out"], "flat has another shape"
    assert all(10 < layer["sqnr_db"] < 40 for layer in pair["layers"])
    assert pair["worst_layer"] == min(pair["layers"], key=lambda layer: layer["sqnr_db"])
    (pair,) = real_report(aliases={"y": "absent", "out": "fused"})["comparisons"]
    assert pair["worst_layer"]["name"] == "sub", "an alias says what stands for a tensor"


def test_tensors_that_are_only_read_to_be_quantized_stand_for_their_quantized_form() -> None:
    nodes = (
        Node("c", "Conv", ("x", "w"), ("y",)),
        Node("q", "QuantizeLinear", ("y", "s", "z"), ("y_q",)),
        Node("d", "DequantizeLinear", ("y_q", "s", "z"), ("y_d",)),
        Node("r", "Relu", ("y_d",), ("a",)),
        Node("p", "QuantizeLinear", ("a", "s", "z"), ("a_q",)),
        Node("e", "Neg", ("a",), ("b",)),
    )
    assert quantized_names(Graph("g", {}, nodes, ("x",), ("b",))) == {"y": "y_d"}


def test_a_layer_that_is_equal_or_silent_has_no_ratio() -> None:
    tensors = {"y": Value("y", (2,), "int8", Quant((0.1,), (0,)))}
    q = np.array([[3, -7]], np.int8)
    same = (q * np.float32(0.1)).astype(np.float32)
    for theirs, error in ((same, 0), (0 * same, 0.7)):
        found = layer_errors([("l", "y", q)], {"y": theirs}, tensors, {})
        assert found["worst_layer"] is None
        assert found["layers"][0]["sqnr_db"] is None
        assert found["layers"][0]["max_abs_error"] == pytest.approx(error)
    unsigned = (q.astype(np.int16) + 128).astype(np.uint8)
    (layer,) = layer_errors([("l", "y", q)], {"y": unsigned}, tensors, {})["layers"]
    assert layer["max_abs_error"] == 0, "uint8 of the original, 128 steps further up"
    assert layer_errors([("l", "y", q)], {"y": q.astype(np.int64)}, tensors, {})["layers"] == []


def test_scores_are_in_the_order_of_the_source() -> None:
    y = (3 * np.random.default_rng(2).uniform(-3, 3, (20, 6))).argmax(axis=1)
    report = real_report(y)
    assert report["reference_accuracy"] == 1
    assert report["accuracy"] == report["comparisons"][0]["agreement_top1"]


@pytest.mark.parametrize(
    ("report", "found", "passed"),
    [
        ({"accuracy": 0.9, "reference_accuracy": 0.905}, 0.5, True),
        ({"accuracy": 0.9, "reference_accuracy": 0.906}, 0.6, False),
        ({"accuracy": 0.95, "reference_accuracy": 0.9}, -5, True),
        ({"auc": 0.87, "reference_auc": 0.88}, 1, False),
        ({"accuracy": 0.9}, None, False),
        ({"mse": 1.0, "reference_mse": 1.0}, None, False),
        ({"auc": None, "reference_auc": None}, None, False),
    ],
)
def test_the_drop_of_accuracy_is_a_gate(
    report: dict[str, Any], found: float | None, passed: bool
) -> None:
    gate = accuracy_gate(report, 0.5)
    assert (gate["name"], gate["limit"]) == ("accuracy-drop", 0.5)
    assert (gate["found"], gate["passed"]) == (found, passed)
    assert passed or gate["reason"]


def test_the_budget_takes_a_drop_of_accuracy() -> None:
    assert parse_budget("ram=1K,accuracy-drop=0.5") == {"ram": 1024, "accuracy-drop": 0.5}
    for wrong in ("accuracy-drop=1K", "accuracy-drop=", "accuracy-drop=-1", "accuracy=1"):
        with pytest.raises(EdgekitError, match="budget"):
            parse_budget(wrong)


def test_the_screen_names_the_layers_that_are_furthest() -> None:
    report = real_report() | {"model": "m.onnx", "target": "host"}
    report["gates"] = [accuracy_gate({"accuracy": 0.5, "reference_accuracy": 0.6}, 0.5)]
    lines = validate_screen(report).splitlines()
    assert any(line.startswith("check   original ~ simulator: 20 samples") for line in lines)
    assert any("output out: SQNR" in line and "steps at most" in line for line in lines)
    assert any("of 2 compared" in line for line in lines)
    worst = report["comparisons"][0]["worst_layer"]
    below = next(i for i, line in enumerate(lines) if "of 2 compared" in line) + 1
    assert lines[below].split()[:2] == [worst["name"], "SQNR"]
    assert lines[-1].startswith("FAILED  accuracy-drop: found 10.0, limit 0.5")
    wrong = validate_places(samples(), [OUTPUT], Doubler("simulator"), Doubler("host", (1, 0)))
    text = validate_screen(wrong | {"model": "m.tflite", "target": "host"})
    assert "first   simulator, host: name two" in text
