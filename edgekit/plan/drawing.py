"""A certificate as a picture: time across, addresses up, one box a block, the peak marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT = 900, 480  # of the arena's picture, in pixels
_LEFT, _TOP, _RIGHT, _BOTTOM = 84, 78, 330, 190  # beside it: axes, heading, legend
_LEGEND = 18  # owners with a line of their own
_NAME = 30  # characters of a name
_TICKS = 5  # on the axis of bytes
_ROOM = 15  # pixels that a slanted label needs
_OUTLINED = 1500  # boxes that still get an outline
_GOLDEN = 137.508  # degrees: neighbours in the list differ in hue
_GREY = "#9a9a9a"  # of scratch

Block = Mapping[str, Any]


def draw(plan: Mapping[str, Any], title: str) -> str:
    """The SVG of a certificate (`plan.certificate`). Boxes have whole numbers, row steps by bytes, in a
    group that is scaled to the picture."""
    end, arena = plan["row_steps"] + 2, max(1, plan["arena_bytes"])
    across, up = _WIDTH / end, _HEIGHT / arena
    owners = _owners(plan)
    width, height = _LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="11" fill="#222">',
        "<defs>",
        *(
            _hatch(number, across, up)
            for number, o in enumerate(owners)
            if _kind(owners[o]) == "rows"
        ),
        "</defs>",
        f'<rect class="paper" width="{width}" height="{height}" fill="#fff"/>',
        *_heading(plan, title),
        *_runs(plan, across),
        *_bytes(arena, up),
        *_boxes(owners, arena, across, up),
        *_regions(plan, up),
        *_peak(plan, across),
        *_legend(owners),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    """What stands between tags: names come from model files, and XML knows no control characters."""
    return escape(re.sub(r"[^ -~]", "_", str(value)))


def _short(name: str) -> str:
    half = (_NAME - 3) // 2
    return name if len(name) <= _NAME else f"{name[:half]}...{name[-half:]}"


def _owners(plan: Mapping[str, Any]) -> dict[str, list[Block]]:
    """Blocks by owner, the owner with the most bytes first; a tensor is called as its layer is."""
    names = {name: layer["name"] for layer in plan["layers"] for name in layer["outputs"]}
    names |= {name: f"input {name}" for name in plan["inputs"]}
    found: dict[str, list[Block]] = {}
    for block in plan["blocks"]:
        owner = block["owner"]
        label = f"scratch of {owner}" if block["kind"] == "scratch" else names.get(owner, owner)
        found.setdefault(label, []).append(block)
    return dict(sorted(found.items(), key=lambda item: (-_extent(item[1]), item[0])))


def _extent(blocks: Sequence[Block]) -> int:
    """Bytes of an owner's rows; the scratch of a layer is one piece that is taken again and again."""
    return sum({(b["row"], b["offset"]): int(b["bytes"]) for b in blocks}.values())


def _kind(blocks: Sequence[Block]) -> str:
    return str(blocks[0]["kind"])


def _colour(number: int) -> str:
    return f"hsl({number * _GOLDEN % 360:.0f},{55 + number % 3 * 12}%,{58 + number % 2 * 12}%)"


def _fill(number: int, kind: str) -> str:
    if kind == "scratch":
        return _GREY
    return f"url(#h{number})" if kind == "rows" else _colour(number)


def _hatch(number: int, across: float, up: float) -> str:
    """A pattern of slanted lines that the scale of the boxes does not distort."""
    return (
        f'<pattern id="h{number}" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="scale({1 / across:.6g} {1 / up:.6g})">'
        f'<path d="M0 0H6V6H0Z" fill="{_colour(number)}"/>'
        '<path d="M-1 1L1 -1M0 6L6 0M5 7L7 5" stroke="#fff" stroke-width="1.2"/></pattern>'
    )


def _heading(plan: Mapping[str, Any], title: str) -> Iterator[str]:
    gap = plan["arena_gap_bytes"]
    verdict = "optimal" if plan["arena_optimal"] else f"gap {gap:,} B"
    yield f'<text x="{_LEFT}" y="24" font-size="16">{_text(title)}</text>'
    yield (
        f'<text x="{_LEFT}" y="42">arena {plan["arena_bytes"]:,} B, lower bound '
        f"{plan['arena_lower_bound_bytes']:,} B, {verdict} ({_text(plan['arena_method'])})</text>"
    )


def _runs(plan: Mapping[str, Any], across: float) -> Iterator[str]:
    """Below the picture who is at work: a layer, or a stream of several; labels as far as they fit."""
    bottom, free = _TOP + _HEIGHT, -_ROOM * 1.0
    for run in plan["runs"]:
        x, size = _LEFT + run["first"] * across, (run["last"] - run["first"] + 1) * across
        names = [plan["layers"][layer]["name"] for layer in run["layers"]]
        label = _short(names[0])
        if len(names) > 1:
            label = f"stream of {len(names)}: {_short(names[0])} .. {_short(names[-1])}"
        yield f'<path d="M{x:.2f} {_TOP}V{bottom + 5}" stroke="#ccc" stroke-width="0.6"/>'
        at = x + size / 2
        if at - free >= _ROOM:
            yield (
                f'<text transform="translate({at:.2f} {bottom + 14}) rotate(45)" '
                f'font-size="9">{_text(label)}</text>'
            )
            free = at


def _bytes(arena: int, up: float) -> Iterator[str]:
    """The axis of addresses."""
    step = 1
    while arena / step > _TICKS:
        step *= 2
    for value in range(0, arena + 1, step):
        y = _TOP + _HEIGHT - value * up
        yield f'<path d="M{_LEFT - 4} {y:.2f}H{_LEFT + _WIDTH}" stroke="#eee"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4:.2f}" text-anchor="end">{value:,}</text>'
    x, y = _LEFT - 66, _TOP + _HEIGHT // 2
    yield f'<text transform="translate({x} {y}) rotate(-90)" text-anchor="middle">bytes</text>'


def _boxes(
    owners: Mapping[str, Sequence[Block]], arena: int, across: float, up: float
) -> Iterator[str]:
    outlined = sum(map(len, owners.values())) <= _OUTLINED
    line = 'stroke="#fff" stroke-width="0.5" vector-effect="non-scaling-stroke"' if outlined else ""
    yield f'<g id="arena" transform="translate({_LEFT} {_TOP}) scale({across:.9g} {up:.9g})">'
    for number, (owner, blocks) in enumerate(owners.items()):
        yield f'<g fill="{_fill(number, _kind(blocks))}">'
        yield f"<title>{_text(owner)}, {_extent(blocks):,} B</title>"
        for b in blocks:
            box = (
                b["first"],
                arena - b["offset"] - b["bytes"],
                b["last"] - b["first"] + 1,
                b["bytes"],
            )
            x, y, width, height = box
            yield f'<rect x="{x}" y="{y}" width="{width}" height="{height}" {line}/>'
        yield "</g>"
    yield "</g>"


def _regions(plan: Mapping[str, Any], up: float) -> Iterator[str]:
    """A line where a memory region begins, and its name, where there are several."""
    for region in plan["regions"] if len(plan["regions"]) > 1 else ():
        y = _TOP + _HEIGHT - region["offset"] * up
        x = _LEFT + _WIDTH
        yield f'<path d="M{_LEFT} {y:.2f}H{x}" stroke="#05c" stroke-width="1.2"/>'
        yield f'<text x="{x - 4}" y="{y - 4:.2f}" text-anchor="end" fill="#05c">{_text(region["name"])}</text>'


def _peak(plan: Mapping[str, Any], across: float) -> Iterator[str]:
    """The row step at which most is alive, across the whole height."""
    peak = plan["peak"]
    x = _LEFT + (peak["row_step"] + 0.5) * across
    anchor = "start" if x < _LEFT + _WIDTH / 2 else "end"
    yield (
        f'<path id="peak" d="M{x:.2f} {_TOP - 8}V{_TOP + _HEIGHT}" stroke="#c00" '
        'stroke-width="1.4" stroke-dasharray="5 3"/>'
    )
    yield (
        f'<text x="{x:.2f}" y="{_TOP - 11}" text-anchor="{anchor}" fill="#c00">peak: '
        f"{peak['bytes']:,} B alive at {_text(_short(peak['layer']))}</text>"
    )


def _legend(owners: Mapping[str, Sequence[Block]]) -> Iterator[str]:
    """The largest tensors; of the others how many, and how large at most; scratch in one line."""
    x, y = _LEFT + _WIDTH + 22, _TOP + 6
    listed, rest, scratch = 0, [0], [0]
    for number, (owner, blocks) in enumerate(owners.items()):
        if _kind(blocks) == "scratch":
            scratch.append(_extent(blocks))
        elif listed == _LEGEND:
            rest.append(_extent(blocks))
        else:
            hatched = _kind(blocks) == "rows"
            yield from _entry(
                x, y, _colour(number), hatched, f"{_short(owner)}  {_extent(blocks):,} B"
            )
            listed, y = listed + 1, y + 22
    if len(rest) > 1:
        yield f'<text x="{x}" y="{y + 10}">and {len(rest) - 1} more of at most {max(rest):,} B</text>'
        y += 22
    if len(scratch) > 1:
        yield from _entry(x, y, _GREY, False, f"scratch of a layer, at most {max(scratch):,} B")
    yield f'<text x="{x}" y="{y + 34}" font-size="10">hatched: rows made in a stream</text>'


def _entry(x: int, y: int, colour: str, hatched: bool, text: str) -> Iterator[str]:
    yield f'<path d="M{x} {y}h16v12h-16Z" fill="{colour}"/>'
    if hatched:
        yield f'<path d="M{x} {y + 12}l12 -12M{x + 6} {y + 12}l10 -10" stroke="#fff" stroke-width="1.2"/>'
    yield f'<text x="{x + 22}" y="{y + 10}">{_text(text)}</text>'
