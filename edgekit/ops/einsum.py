"""ONNX's Einsum: diagonals, sums, transpositions and products of matrices.

    "bij,bjk->bik": indices of both operands that stay are a batch, those that go are summed over

More than two operands are multiplied from the left.
"""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgekit.families.evaluation import rearranged
from edgekit.graph import Node
from edgekit.op import Transient, require

if TYPE_CHECKING:
    from edgekit.draft import Draft


class Einsum(Transient):
    name = "einsum"
    onnx = ("Einsum",)

    @classmethod
    def import_onnx(cls, node: Node, draft: Draft) -> None:
        terms, wanted = _terms(node, [len(draft.shape(name)) for name in node.inputs])
        operands = [
            _distinct(node, draft, name, term)
            for name, term in zip(node.inputs, terms, strict=True)
        ]
        made, term = operands[0]
        for i, (other, its) in enumerate(operands[1:], 1):
            later = set(wanted).union(*(t for _, t in operands[i + 1 :]))
            made, term = _multiplied(node, draft, (made, term), (other, its), later)
        made, term = _summed(node, draft, made, term, set(wanted))
        made = draft.permute(node, made, [term.index(c) for c in wanted])
        draft.same(node.outputs[0], made)


def _terms(node: Node, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The index letters of each operand and of the result; an ellipsis gets letters of its own."""
    equation = str(node.attrs["equation"]).replace(" ", "")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    require(len(terms) == len(ranks), "a term per operand", node, equation)
    spare = [c for c in string.ascii_letters if c not in equation]
    most = max(
        [r - len(t.replace("...", "")) for r, t in zip(ranks, terms, strict=True) if "..." in t]
        or [0]
    )
    dots = "".join(spare[:most])
    full = [
        t.replace("...", dots[most - (r - len(t.replace("...", ""))) :])
        for r, t in zip(ranks, terms, strict=True)
    ]
    if not arrow:
        letters = "".join(full)
        right = "..." * bool(dots) + "".join(
            sorted(c for c in set(letters) - set(dots) if letters.count(c) == 1)
        )
    require(
        all(len(t) == r for t, r in zip(full, ranks, strict=True)),
        "a letter per axis",
        node,
        equation,
    )
    return full, right.replace("...", dots)


_Tensor = tuple[str, str]  # name and index letters


def _distinct(node: Node, draft: Draft, name: str, term: str) -> _Tensor:
    """The diagonal along indices that an operand has more than once."""
    letters = "".join(dict.fromkeys(term))
    if letters == term:
        return name, term
    shape = draft.shape(name)
    numbers = np.arange(math.prod(shape)).reshape(shape)
    own = [string.ascii_letters.index(c) for c in term]
    kept = [string.ascii_letters.index(c) for c in letters]
    return rearranged(node, draft, [name], np.einsum(numbers, own, kept)), letters


def _summed(node: Node, draft: Draft, name: str, term: str, kept: set[str]) -> _Tensor:
    axes = [i for i, c in enumerate(term) if c not in kept]
    if not axes:
        return name, term
    made = draft.add("total", node, [name], {"axes": axes, "keep_dims": False})
    return made, "".join(c for c in term if c in kept)


def _multiplied(
    node: Node, draft: Draft, first: _Tensor, second: _Tensor, later: set[str]
) -> _Tensor:
    """The product of two operands; what neither a later one nor the result has is summed over."""
    a, a_term = _summed(node, draft, *first, later | set(second[1]))
    b, b_term = _summed(node, draft, *second, later | set(first[1]))
    batch = [c for c in a_term if c in b_term and c in later]
    inner = [c for c in a_term if c in b_term and c not in later]
    rows, columns = (
        [c for c in t if c not in other] for t, other in ((a_term, b_term), (b_term, a_term))
    )
    sizes = dict(zip(a_term + b_term, draft.shape(a) + draft.shape(b), strict=True))

    def matrices(name: str, term: str, parts: Sequence[Sequence[str]]) -> str:
        order = [term.index(c) for part in parts for c in part]
        shape = [math.prod(sizes[c] for c in part) for part in parts]
        return draft.reshape(node, draft.permute(node, name, order), shape)

    operands = [
        matrices(a, a_term, (batch, rows, inner)),
        matrices(b, b_term, (batch, inner, columns)),
    ]
    made = draft.add("batch_matmul", node, operands, {"adj_x": False, "adj_y": False})
    letters = [*batch, *rows, *columns]
    return draft.reshape(node, made, [sizes[c] for c in letters]), "".join(letters)
