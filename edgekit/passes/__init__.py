"""From the imported to the canonical graph: one rewrite a file, in this order."""

from __future__ import annotations

from collections.abc import Callable

from edgekit.graph import Graph
from edgekit.passes.binarize import binarize
from edgekit.passes.bind_edges import bind_edges
from edgekit.passes.canonicalize import canonicalize
from edgekit.passes.collapse_reshapes import collapse_reshapes
from edgekit.passes.distinct_outputs import distinct_outputs
from edgekit.passes.drop_dead import drop_dead
from edgekit.passes.float_weights import float_weights
from edgekit.passes.fold_affine import fold_affine
from edgekit.passes.fold_factor import fold_factor
from edgekit.passes.fold_pad import fold_pad
from edgekit.passes.fuse_activation import fuse_activation
from edgekit.passes.fuse_pointwise import fuse_pointwise
from edgekit.passes.hidden_state import hidden_state
from edgekit.passes.inline_subgraphs import inline_subgraphs
from edgekit.passes.layout import layout
from edgekit.passes.mask_softmax import mask_softmax
from edgekit.passes.recognise_norm import recognise_norm
from edgekit.passes.resolve_state import resolve_state
from edgekit.passes.sign_of_sums import sign_of_sums
from edgekit.passes.signed_bytes import signed_bytes
from edgekit.passes.static_shapes import static_shapes

Pass = Callable[[Graph], Graph]

CANONICAL: tuple[Pass, ...] = (
    inline_subgraphs,
    hidden_state,
    resolve_state,
    static_shapes,
    signed_bytes,
    recognise_norm,
    drop_dead,
    bind_edges,
    float_weights,
    canonicalize,
    layout,
    mask_softmax,
    fold_affine,
    fold_factor,
    collapse_reshapes,
    fuse_activation,
    fuse_pointwise,
    binarize,
    sign_of_sums,
    fold_pad,
    drop_dead,
    distinct_outputs,
)


def canonical(graph: Graph, dump: Callable[[str, str], None] | None = None) -> Graph:
    """Run every pass, verifying after each; `dump` receives (name, text) of each stage.

    Raises what the passes raise, and EK105 where a pass leaves a broken graph.
    """
    if dump:
        dump("imported", graph.text())
    for rewrite in CANONICAL:
        graph = rewrite(graph)
        graph.verify()
        if dump:
            dump(rewrite.__name__, graph.text())
    return graph
