"""Sensitivity as a picture: a row a layer in the network's order, bars for fewer bits and fewer channels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

_LEFT, _PANEL, _GAP, _TOP, _BAR, _ROW = 230, 320, 90, 76, 7, 30  # pixels
_NAME = 34  # characters of a name
_BITS = {4: "#7fb3d5", 3: "#2e86c1", 2: "#1b4f72"}
_SHARES = ("#f5cba7", "#e67e22", "#935116")  # of the channels, fewest first


def draw(report: Mapping[str, Any], title: str) -> str:
    """The SVG of a report's ``sensitivity`` entry."""
    layers = report["layers"]
    height = _TOP + _ROW * len(layers) + 40
    width = _LEFT + 2 * _PANEL + _GAP + 90
    key = "loss" if report["metric"] is None else "lost"
    panels = (
        (_LEFT, "bits", [[c for c in e["changes"] if c["bits"] in _BITS] for e in layers]),
        (_LEFT + _PANEL + _GAP, "channels", [[c for c in e["changes"] if c["channels_removed"]] for e in layers]),
    )  # fmt: skip
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11" fill="#222">',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="12" y="24" font-size="16">{_text(title)}</text>',
        f'<text x="12" y="42">{_text(_subtitle(report))}</text>',
    ]
    for number, entry in enumerate(layers):
        y = _TOP + number * _ROW + _ROW / 2
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 2:.0f}" text-anchor="end">{_text(_short(entry["name"]))}</text>')  # fmt: skip
    for x, kind, rows in panels:
        lines += [*_panel(x, kind, key, rows, height)]
    return "\n".join([*lines, "</svg>"]) + "\n"


def _subtitle(report: Mapping[str, Any]) -> str:
    if report["metric"] is None:
        return f"loss of the outputs, {report['samples']} samples"
    return f"{report['metric']} lost in percent points, {report['samples']} samples, of {100 * report['base']:.1f} %"


def _panel(
    x: int, kind: str, key: str, rows: Sequence[Sequence[Mapping[str, Any]]], height: int
) -> Iterator[str]:
    """Bars of one kind of change, to the right from `x`; what was won is drawn as none lost."""
    most = max((max(c[key], 0.0) for row in rows for c in row), default=0.0) or 1.0
    yield f'<path d="M{x} {_TOP}V{height - 34}" stroke="#888"/>'
    yield f'<text x="{x + _PANEL}" y="{height - 18}" text-anchor="end">{most:.3g}</text>'
    yield f'<text x="{x}" y="{height - 18}" text-anchor="middle">0</text>'
    yield from _legend(x, kind)
    for number, row in enumerate(rows):
        for place, change in enumerate(row):
            colour = _BITS[change["bits"]] if kind == "bits" else _SHARES[place % len(_SHARES)]
            what = f"{change['bits']} bits" if kind == "bits" else f"{change['channels_removed']} channels less"  # fmt: skip
            y = _TOP + number * _ROW + 4 + place * _BAR
            size = max(change[key], 0.0) / most * _PANEL
            yield (
                f'<rect x="{x}" y="{y}" width="{size:.2f}" height="{_BAR - 1}" fill="{colour}">'
                f"<title>{what}: {change[key]:.4g}</title></rect>"
            )


def _legend(x: int, kind: str) -> Iterator[str]:
    names = [f"{bits} bits" for bits in _BITS] if kind == "bits" else ["1/8 of the channels less", "1/4", "1/2"]  # fmt: skip
    colours = list(_BITS.values()) if kind == "bits" else list(_SHARES)
    at = x
    for name, colour in zip(names, colours, strict=True):
        yield f'<rect x="{at}" y="{_TOP - 20}" width="10" height="10" fill="{colour}"/>'
        yield f'<text x="{at + 14}" y="{_TOP - 11}">{name}</text>'
        at += 24 + 7 * len(name)


def _text(value: object) -> str:
    """What stands between tags: names come from model files, and XML knows no control characters."""
    return escape(re.sub(r"[^ -~]", "_", str(value)))


def _short(name: str) -> str:
    half = (_NAME - 3) // 2
    return name if len(name) <= _NAME else f"{name[:half]}...{name[-half:]}"
