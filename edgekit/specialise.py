"""Which layers call a kernel that is compiled with their numbers as constants.

An instance costs code and saves what a kernel does to find its way: prologues, edges of windows, inner
loops whose length is not known. How much was counted, kernel by kernel, on whole models; a kernel that
won nothing there has no instances.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace

from edgekit.emit.instances import same_instance
from edgekit.program import Program, Step

# Instructions that a KiB of instances has to save, as a share of the whole inference.
_WORTH = {"speed": 0.0005, "balanced": 0.002}
_MOST_BYTES = 24 * 1024  # of instances; beyond that only flash would grow


@dataclass(frozen=True)
class _Gain:
    """What an instance of a kernel costs and saves.

    bytes: of its code; share: of the layer's instructions that it saves; row: instructions that it
    saves for each output pixel and row of the window.
    """

    bytes: int
    share: float = 0.0
    row: int = 0

    def saved(self, step: Step) -> float:
        if not self.row:
            return self.share * step.instructions
        p = step.params
        return float(self.row * p.out_h * p.out_w * p.kernel_h)  # type: ignore[attr-defined]


# Counted on KWS, ResNet-8 and VWW on Cortex-M4, Cortex-M3, RV32IMC and Cortex-A72, GCC 12.
_GAINS = {
    "avg_pool": _Gain(400, share=0.17),
    "avg_pool_dsp": _Gain(400, share=0.2),
    "avg_pool_neon": _Gain(400, share=0.16),
    "conv2d": _Gain(1500, share=0.03),
    "conv2d_dsp": _Gain(1150, row=20),
    "conv2d_neon": _Gain(2200, share=0.04),
    "conv2d_neon_dot": _Gain(2500, row=15),
    "depthwise": _Gain(1100, share=0.08),
    "depthwise_dsp": _Gain(900, share=0.06),
    "depthwise_dsp3x3": _Gain(600, share=0.08),
    "fully_connected_neon": _Gain(600, share=0.14),
    "fully_connected_neon_dot": _Gain(400, share=0.1),
    "depthwise_neon_dot": _Gain(1100, share=0.18),
    "depthwise_neon": _Gain(2000, share=0.2),
}


def specialise(program: Program, optimize: str) -> Program:
    """The program with the instances that are worth their flash; none for ``size`` and ``ram``.

    Depends on the program alone, not on what is installed.
    """
    if optimize not in _WORTH:
        return program
    least = _WORTH[optimize] / 1024 * sum(step.instructions for step in program.steps)
    taken: set[Hashable] = set()
    left = _MOST_BYTES
    for saved, instance, size in _candidates(program):
        if saved < least or size > left:
            break
        taken.add(instance)
        left -= size
    steps = tuple(replace(s, specialised=same_instance(s) in taken) for s in program.steps)
    return replace(program, steps=steps)


def _candidates(program: Program) -> list[tuple[float, Hashable, int]]:
    """Instructions saved a byte, the instance and its bytes; the best first."""
    saved: dict[Hashable, float] = {}
    size: dict[Hashable, int] = {}
    for step in program.steps:
        gain = _GAINS.get(step.kernel.name)
        if gain is not None:
            instance = same_instance(step)
            saved[instance] = saved.get(instance, 0.0) + gain.saved(step)
            size[instance] = gain.bytes
    found = [(saved[i] / size[i], i, size[i]) for i in saved]
    return sorted(found, key=lambda c: -c[0])
