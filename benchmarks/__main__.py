"""Builds every benchmark model for an emulated Cortex-M4 and prints the table: `make bench`.

``--write`` moves the budgets and docs/BENCHMARKS.md to what was measured; a change that makes a
figure worse has to do that in the open.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks import (
    BUDGETS,
    CORES,
    DOCUMENT,
    FIGURES,
    TARGET,
    keys_on,
    measure,
    peer_field,
    peers,
)

Reports = dict[str, dict[str, Any]]
_HEADINGS = (
    "model", "MACs", "instructions", "per MAC", "TFLM reference / ours", "TFLM + CMSIS-NN / ours",
    "cycles (estimate)", "arena", "TFLM / ours", "state", "flash", "TFLM / ours", "stack",
    "TFLM / ours", "bit-exact",
)  # fmt: skip


def row(key: str, report: dict[str, Any], peer: dict[str, Any]) -> list[str]:
    """One line of the table: ours, and the peer's figure over ours where the peer has one."""

    def ratio(name: str, ours: int) -> str:
        return f"{peer[name] / ours:.2f}" if name in peer else "-"

    instructions, arena, flash = (report[k] for k in ("instructions", "arena_bytes", "flash_bytes"))
    stack = report["stack_bytes"]
    return [
        key, f"{report['macs']:,}", f"{instructions:,}", f"{instructions / report['macs']:.2f}",
        ratio("reference", instructions), ratio("cmsis", instructions),
        f"{report['cycles_estimate']:,}", f"{arena:,}", ratio("arena", arena),
        f"{report['state_bytes']:,}", f"{flash:,}", ratio("flash", flash), f"{stack:,}",
        ratio("stack", stack), "yes" if report["bit_exact"] else "NO",
    ]  # fmt: skip


def core_row(core: str, reports: Reports, columns: Sequence[str]) -> list[str]:
    """One core: instructions of each model, and CMSIS-NN's over ours where the peer was counted."""
    cells = []
    for key in columns:
        if key not in reports:
            cells.append("-")
            continue
        instructions, peer = reports[key]["instructions"], peers()[key].get(peer_field(core))
        cells.append(f"{instructions:,}" + (f" ({peer / instructions:.2f})" if peer else ""))
    return [core, *cells]


def table(headings: Sequence[str], rows: list[list[str]]) -> str:
    """A Markdown table that also reads well in a terminal."""
    cells = [list(headings), *rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(headings))]

    def line(parts: list[str]) -> str:
        padded = (
            p.ljust(w) if i == 0 else p.rjust(w)
            for i, (p, w) in enumerate(zip(parts, widths, strict=True))
        )
        return f"| {' | '.join(padded)} |"

    rule = (
        "|" + "|".join("-" * (w + 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths)) + "|"
    )
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def main() -> int:
    """Print the table; with --write store the figures as the new budgets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store the figures as budgets")
    arguments = parser.parse_args()
    reports = {key: measure(key, peer["file"]) for key, peer in peers().items()}
    first = next(iter(reports.values()))
    compiled = f"{first['compiler']}\n{first['compiler_flags']}"
    text = table(_HEADINGS, [row(key, report, peers()[key]) for key, report in reports.items()])
    print(
        f"{TARGET}, one inference; ratios are the peer's figure over ours\n{compiled}\n\n{text}\n"
    )
    cores = {
        core: {key: measure(key, peers()[key]["file"], core) for key in keys_on(core)}
        for core in CORES
    }
    columns = [key for key in peers() if any(key in reports for reports in cores.values())]
    others = table(("core", *columns), [core_row(core, r, columns) for core, r in cores.items()])
    print(f"instructions, in brackets TFLM + CMSIS-NN / ours\n\n{others}")
    if arguments.write:
        DOCUMENT.write_text(_document(compiled, text, others, first["cycles_method"]))
        BUDGETS.write_text(_budgets(reports, cores))
    return 0


def _budgets(reports: Reports, cores: dict[str, Reports]) -> str:
    compiler = next(iter(reports.values()))["compiler"]
    lines = ["# What `make bench` measured; tests/test_budgets.py holds it.", ""]
    lines += [f"compiler = {compiler!r}", ""]
    for key, report in reports.items():
        lines += [f"[{key}]", *(f"{name} = {report[name]}" for name in FIGURES), ""]
    for core, found in cores.items():
        lines += [f"[cores.{core}]", f"compiler = {next(iter(found.values()))['compiler']!r}"]
        lines += [*(f"{key} = {report['instructions']}" for key, report in found.items()), ""]
    return "\n".join(lines)


def _document(compiled: str, text: str, others: str, method: str) -> str:
    return f"""# Benchmarks

Written by `python -m benchmarks --write`; `make bench` prints it anew.

One inference on an emulated {TARGET}, initialisation excluded, outputs equal to TensorFlow Lite
Micro's byte for byte. Executed instructions are counted, not sampled: they
repeat to the last digit with the same compiler and flags. Cycles are an estimate ({method}).

```
{compiled}
```

{text}

Ratios are the peer's figure over ours: above 1 is less for us. The peer is TensorFlow Lite Micro
(2026-08), arm-none-eabi-gcc 12.2 with its own build flags, on the same emulated core: once with its
reference kernels, once with CMSIS-NN (2026-07). Its arena is `arena_used_bytes`, its flash is code, constants and the model file, its stack is
measured where ours is a static bound. The peers' figures are in `benchmarks/peers.toml`.

Instructions on other emulated cores, in brackets CMSIS-NN's figure over ours:

{others}
"""


if __name__ == "__main__":
    sys.exit(main())
