"""The front of a search as a picture: accuracy over flash, cycles and RAM, limits as lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from edgekit.search.front import feasible

_SIDE, _GAP, _LEFT, _TOP = 300, 70, 70, 60  # pixels of a panel and around it
_TICKS = 4
_AXES = (("flash_bytes", "flash, KiB", "flash", 1024), ("cycles", "cycles, million", "cycles", 10**6),
         ("ram_bytes", "RAM, KiB", "ram", 1024))  # fmt: skip

Report = Mapping[str, Any]


def draw(report: Report) -> str:
    """The SVG of a report: trials grey, the front blue with their numbers, the chosen one ringed."""
    rows = [row for row in report["rows"] if row["accuracy"] is not None]
    panels = [axis for axis in _AXES if any(row[axis[0]] is not None for row in rows)]
    width = _LEFT + max(1, len(panels)) * (_SIDE + _GAP)
    height = _TOP + _SIDE + _GAP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="11" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="24" font-size="15">{escape(report["model"])} on '
        f"{escape(report['target'])}: {len(report['front'])} of {len(report['rows'])} trials on the front</text>",
    ]
    if not rows:
        lines.append(f'<text x="{_LEFT}" y="60">no trial was small enough for an accuracy</text>')
    for number, axis in enumerate(panels):
        lines += _panel(report, rows, _LEFT + number * (_SIDE + _GAP), *axis)
    return "\n".join([*lines, "</svg>", ""])


def _panel(
    report: Report, rows: Sequence[Report], left: int, key: str, title: str, limit: str, unit: int
) -> Iterator[str]:
    known = [row for row in rows if row[key] is not None]
    bound = report["limits"].get(limit)
    across = _scale([row[key] for row in known], left, left + _SIDE)
    up = _scale([row["accuracy"] for row in rows], _TOP + _SIDE, _TOP)
    yield (
        f'<rect x="{left}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#999"/>'
    )
    for value in _marks([row[key] for row in known]):
        x = across(value)
        yield f'<text x="{x:.1f}" y="{_TOP + _SIDE + 16}" text-anchor="middle">{value / unit:.4g}</text>'
    for value in _marks([row["accuracy"] for row in rows]):
        y = up(value)
        yield f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3f}</text>'
    yield (
        f'<text x="{left + _SIDE / 2}" y="{_TOP + _SIDE + 36}" text-anchor="middle">{title}</text>'
    )
    if bound is not None and left <= across(bound) <= left + _SIDE:
        x = across(bound)
        yield (
            f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_TOP + _SIDE}" stroke="#c33" '
            f'stroke-dasharray="4 3"><title>limit</title></line>'
        )
    best = report["best"]["trial"] if report["best"] else None
    for row in known:
        yield from _point(row, across(row[key]), up(row["accuracy"]), report["front"], best)


def _point(
    row: Report, x: float, y: float, front: Sequence[int], best: int | None
) -> Iterator[str]:
    on_front = row["trial"] in front
    fill = "#26c" if on_front else "#bbb" if feasible(row) else "#fff"
    yield (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{4 if on_front else 3}" fill="{fill}" '
        f'stroke="{"#26c" if on_front else "#999"}"><title>trial {row["trial"]}: '
        f"{row['accuracy']:.4f}</title></circle>"
    )
    if on_front:
        yield f'<text x="{x + 6:.1f}" y="{y - 5:.1f}" font-size="9">{row["trial"]}</text>'
    if row["trial"] == best:
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="none" stroke="#c33" stroke-width="2"/>'


def _scale(values: Sequence[float], low: float, high: float) -> Any:
    """A linear map of the values' span, a little widened, to pixels."""
    first, last = min(values), max(values)
    room = 0.06 * (last - first) or abs(last) * 0.01 or 1.0
    first, last = first - room, last + room
    return lambda value: low + (value - first) / (last - first) * (high - low)


def _marks(values: Sequence[float]) -> list[float]:
    """Values beside which an axis has a number."""
    low, high = min(values), max(values)
    steps = _TICKS if high > low else 0
    return [low + (high - low) * i / max(1, steps) for i in range(steps + 1)]
