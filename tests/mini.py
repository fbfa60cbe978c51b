"""Hand-written bundles, small enough to compute by hand: plain, with state, with caller's buffers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.data import data_dir
from edgekit.validate.runners.deployed import Deployed, Layer, Tensor

Array = NDArray[Any]
HEADER = """\
#ifndef MINI_H
#define MINI_H
#include "ek_version.h"
#include <stdint.h>
#define MINI_ARENA_BYTES {arena_bytes}
#define MINI_STATE_BYTES {state_bytes}
#define MINI_ALIGN __attribute__((aligned(EK_ALIGN)))
int mini_run({arguments});
{reset_prototype}
#endif
"""
# Kernels of a bundle have files of their own, so that none is inlined.
KERNELS_H = """\
#include <stdint.h>
void ek_triple_s8(const int8_t *x, int8_t *y, int32_t n);
void ek_reverse_s8(const int8_t *x, int8_t *y, int32_t n);
void ek_add_s8(const int8_t *x, int8_t *sum, int32_t n);
"""
TRIPLE = """\
#include "kernels.h"
void ek_triple_s8(const int8_t *x, int8_t *y, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        int32_t v = 3 * x[i] + 1;
        y[i] = (int8_t)(v < -128 ? -128 : v > 127 ? 127 : v);
    }
}
"""
REVERSE = """\
#include "kernels.h"
void ek_reverse_s8(const int8_t *x, int8_t *y, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        y[i] = x[n - 1 - i];
}
"""
ADD = """\
#include "kernels.h"
void ek_add_s8(const int8_t *x, int8_t *sum, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        sum[i] = (int8_t)((uint8_t)sum[i] + (uint8_t)x[i]);
}
"""
RUN = """\
#include "mini.h"
#include "ek_trace.h"
#include "kernels.h"
int mini_run({arguments})
{{
    int8_t *a = arena;
{body}
    return EK_OK;
}}
"""
PLAIN = """\
    ek_triple_s8(a, a + {half}, {n});
    EK_TRACE(0);
    ek_reverse_s8(a + {half}, a, {n});
    EK_TRACE(1);"""
CALLER = """\
    ek_triple_s8(x, a + {half}, {n});
    EK_TRACE(0);
    ek_reverse_s8(a + {half}, z, {n});
    EK_TRACE(1);"""
STATEFUL = """\
    int8_t *s = state;
    ek_triple_s8(a, a, {n});
    EK_TRACE(0);
    ek_add_s8(a, s, {n});
    EK_TRACE(1);
    ek_reverse_s8(s, a + {half}, {n});
    EK_TRACE(2);"""
RESET = """\
void mini_reset(void *state)
{{
    int8_t *s = state;
    for (int32_t i = 0; i < {n}; i++)
        s[i] = 7;
}}
"""
_FORMS = {
    # form: (arguments of mini_run, its body)
    "plain": ("void *arena", PLAIN),
    "stateful": ("void *arena, void *state", STATEFUL),
    "caller": ("void *arena, const int8_t *x, int8_t *z", CALLER),
}


def triple(x: Array) -> Array:
    return np.clip(3 * x.astype(np.int32) + 1, -128, 127).astype(np.int8)


def plain_layers(x: Array) -> list[tuple[str, str, Array]]:
    """Every layer of the bundle without state, for one sample [12]."""
    y = triple(x)
    return [("first", "y", y), ("second", "z", y[::-1])]


def stateful_layers(frames: Array) -> list[tuple[str, str, Array]]:
    """Every layer of the bundle with state at the last of its frames [steps, 12]."""
    y = triple(frames)
    total = (7 + y.astype(np.int32).sum(axis=0)).astype(np.int8)
    return [("first", "y", y[-1]), ("second", "sum", total), ("third", "z", total[::-1])]


def plain_outputs(x: Array) -> Array:
    return np.stack([plain_layers(sample)[-1][2] for sample in x])


def stateful_outputs(x: Array) -> Array:
    """[N, steps, 12] for inputs of the same shape."""
    return np.stack(
        [
            np.stack([stateful_layers(sample[: t + 1])[-1][2] for t in range(x.shape[1])])
            for sample in x
        ]
    )


def write_bundle(folder: Path, form: str = "plain", n: int = 12, **replace: str) -> Deployed:
    """Write a bundle of tensors of `n` elements: plain, stateful or with the caller's buffers.

    `replace` gives other text for C files by stem, such as triple=...
    """
    folder.mkdir(parents=True, exist_ok=True)
    half, stateful = (n + 15) & ~15, form == "stateful"
    arguments, body = _FORMS[form]
    run = RUN.format(arguments=arguments, body=body.format(n=n, half=half))
    header = HEADER.format(
        arena_bytes=2 * half,
        state_bytes=n if stateful else 0,
        arguments=arguments,
        reset_prototype="void mini_reset(void *state);" if stateful else "",
    )
    sources = {"triple": TRIPLE, "reverse": REVERSE, "mini": run}
    if stateful:
        sources |= {"add": ADD, "mini": run + RESET.format(n=n)}
    files = {f"{stem}.c": text for stem, text in (sources | replace).items()}
    files |= {"mini.h": header, "kernels.h": KERNELS_H}
    for name in ("ek_version.h", "ek_trace.h"):
        files[name] = (data_dir("runtime") / "include" / name).read_text()
    for name, text in files.items():
        (folder / name).write_text(text)

    def tensor(name: str, space: str, offset: int) -> Tensor:
        return Tensor(name, (n,), "int8", space, offset, n)

    def layer(name: str, kernel: str, output: Tensor) -> Layer:
        return Layer(name, kernel, f"ek_{kernel}_s8", f"ek_{kernel}_s8", (output,))

    x, y, z = tensor("x", "arena", 0), tensor("y", "arena", half), tensor("z", "arena", 0)
    if stateful:
        y, z = tensor("y", "arena", 0), tensor("z", "arena", half)
    if form == "caller":
        x, z = tensor("x", "caller", 0), tensor("z", "caller", half)
    steps = [layer("first", "triple", y), layer("second", "reverse", z)]
    if stateful:
        total = tensor("sum", "state", 0)
        steps[1:] = [layer("second", "add", total), layer("third", "reverse", z)]
    state_bytes = n if stateful else 0
    return Deployed(folder, "mini", 2 * half, state_bytes, (x,), (z,), tuple(steps))
