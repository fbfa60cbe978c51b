"""ONNX's own node cases: none gives anything wrong, and the rest is refused with a reason."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.node_cases import node_cases
from benchmarks.onnx_cases import CRASHED, OUTSIDE, PASSED, REFUSED, WRONG, Outcome, judged
from edgekit.errors import CODES

# Files whose cases are made in less than a tenth of a second, from every family of operators.
QUICK = (
    "add", "argmax", "bitshift", "clip", "concat", "cumsum", "depthtospace", "einsum", "equal", "expand",
    "gather", "gatherelements", "gemm", "hardmax", "mod", "onehot", "pad", "pow", "reduce_log_sum",
    "reduceprod", "resize", "scatterelements", "slice", "split", "sum", "topk", "transpose", "trilu", "where",
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
    assert found[PASSED] >= 250


@pytest.mark.slow
def test_all_cases() -> None:
    found = verdicts(judged(node_cases()))
    assert found[PASSED] >= 1300, found
    assert found[PASSED] + found[REFUSED] + found[OUTSIDE] >= 1800
