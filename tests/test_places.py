"""Small shared models in every place, without streams, with the smallest arena, and all streamed."""

from __future__ import annotations

import pytest
from conftest import shared

from benchmarks import read_toml
from benchmarks.places import COLUMNS, DOCUMENT, FIGURES, MODES, document, matrix

SMALL = [
    "tflm_hello_world_sine_mlp_int8.tflite",
    "mltk_magic_wand_accelerometer_int8_floatio.tflite",
    "microwakeword_v2_vad_streaming_varhandle_int8.tflite",
    "tflm_micro_speech_int8.tflite",
]
MORE = [
    "mlperf_tiny_kws01_dscnn_int8.tflite",
    "mlperf_tiny_ic01_resnet8_int8.tflite",
    "mlperf_tiny_vww01_mobilenetv1_int8.tflite",
    "fsdd_res1d_dscnn_qdq_int8_perchannel.onnx",
    "tinyengine_mcunet_vww_80_int8_floatio.tflite",
    "tinyengine_person_detection_128x160_int8_floatio.tflite",
]


def check(name: str) -> None:
    messages: list[str] = []
    found = matrix(shared("models", name), messages.append)
    assert not found.refused
    assert messages == []
    assert found.differ == [0] * len(COLUMNS)
    assert found.original in (0, -1)
    assert len(found.arenas) == len(MODES)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_all_places_and_plans_make_the_same_bytes(name: str) -> None:
    check(name)


@pytest.mark.soak
@pytest.mark.parametrize("name", MORE)
def test_all_places_and_plans_of_larger_models_make_the_same_bytes(name: str) -> None:
    check(name)


def test_the_document_says_what_was_found_and_nothing_differs() -> None:
    figures = read_toml(FIGURES)
    assert DOCUMENT.read_text() == document(figures)
    assert all(sum(row["differ"]) == 0 and row["original"] <= 0 for row in figures.values())
