"""Two hand-written bundles, small enough to compute by hand: one with state, one without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgekit.data import data_dir
from edgekit.validate.runners.deployed import Deployed, Layer, Tensor

Array = NDArray[Any]
N = 12  # elements of every tensor

HEADER = """\
#ifndef MINI_H
#define MINI_H
#include "ek_version.h"
#include <stdint.h>
#define MINI_ARENA_BYTES 32
#define MINI_STATE_BYTES {state_bytes}
#define MINI_ALIGN __attribute__((aligned(EK_ALIGN)))
int mini_run(void *arena{state_argument});
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
PLAIN = """\
#include "mini.h"
#include "ek_trace.h"
#include "kernels.h"
int mini_run(void *arena)
{
    int8_t *a = arena;
    ek_triple_s8(a, a + 16, 12);
    EK_TRACE(0);
    ek_reverse_s8(a + 16, a, 12);
    EK_TRACE(1);
    return EK_OK;
}
"""
STATEFUL = """\
#include "mini.h"
#include "ek_trace.h"
#include "kernels.h"
int mini_run(void *arena, void *state)
{
    int8_t *a = arena;
    int8_t *s = state;
    ek_triple_s8(a, a, 12);
    EK_TRACE(0);
    ek_add_s8(a, s, 12);
    EK_TRACE(1);
    ek_reverse_s8(s, a + 16, 12);
    EK_TRACE(2);
    return EK_OK;
}
void mini_reset(void *state)
{
    int8_t *s = state;
    for (int32_t i = 0; i < 12; i++)
        s[i] = 7;
}
"""


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


def _tensor(name: str, space: str, offset: int) -> Tensor:
    return Tensor(name, (N,), "int8", space, offset, N)


def write_bundle(folder: Path, *, stateful: bool = False, **replace: str) -> Deployed:
    """Write a bundle; `replace` gives other text for files by stem, such as triple=..."""
    folder.mkdir(parents=True, exist_ok=True)
    header = HEADER.format(
        state_bytes=N if stateful else 0,
        state_argument=", void *state" if stateful else "",
        reset_prototype="void mini_reset(void *state);" if stateful else "",
    )
    files = {
        "mini.h": header,
        "kernels.h": KERNELS_H,
        "triple.c": TRIPLE,
        "reverse.c": REVERSE,
        "mini.c": STATEFUL if stateful else PLAIN,
    }
    if stateful:
        files["add.c"] = ADD
    files |= {f"{stem}.c": text for stem, text in replace.items()}
    for name in ("ek_version.h", "ek_trace.h"):
        files[name] = (data_dir("runtime") / "include" / name).read_text()
    for name, text in files.items():
        (folder / name).write_text(text)
    z = _tensor("z", "arena", 16 if stateful else 0)
    steps = [
        Layer("first", "triple", "ek_triple_s8", (_tensor("y", "arena", 0 if stateful else 16),))
    ]
    if stateful:
        steps.append(Layer("second", "add", "ek_add_s8", (_tensor("sum", "state", 0),)))
    steps.append(Layer("third" if stateful else "second", "reverse", "ek_reverse_s8", (z,)))
    return Deployed(
        folder,
        "mini",
        32,
        N if stateful else 0,
        (_tensor("x", "arena", 0),),
        (z,),
        tuple(steps),
    )
