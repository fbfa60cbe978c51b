"""Bytes of code of the kernels that coding weights can add to a model or spare it.

Counted for Cortex-M4 with GCC 12 at -O2 (`python -m benchmarks.storage --code` prints them); what matters
is how they differ, which is alike elsewhere. A kernel that is not here counts as `OTHER`.
"""

from __future__ import annotations

from collections.abc import Iterable

from edgekit.graph import IntNode
from edgekit.op import Kernel

OTHER = 1500
KERNEL_BYTES = {
    "conv2d": 2996,
    "conv2d_coded": 3408,
    "conv2d_coded_dsp": 5908,
    "conv2d_coded_dsp_bytes": 6040,
    "conv2d_dsp": 4992,
    "conv2d_dsp_bytes": 5164,
    "conv2d_dsp_two": 3056,
    "conv2d_rv32": 3008,
    "conv2d_v6m": 1048,
    "conv2d_w4": 2292,
    "conv2d_w4_dsp": 2912,
    "depthwise": 1520,
    "depthwise_coded": 2188,
    "depthwise_coded_dsp3x3": 2868,
    "depthwise_dsp": 1416,
    "depthwise_dsp3x3": 2244,
    "depthwise_w4": 1284,
    "fully_connected": 900,
    "fully_connected_coded": 684,
    "fully_connected_dsp": 1056,
    "fully_connected_dsp_bytes": 1144,
    "fully_connected_w4": 672,
    "fully_connected_w4_dsp": 472,
}


def code_bytes(nodes: Iterable[IntNode]) -> int:
    """Of the kernels that run these nodes, each once."""
    names = {Kernel(node.op, node.variant).name for node in nodes}
    return sum(KERNEL_BYTES.get(name, OTHER) for name in names)
