"""The text form of every command's report: plain lines that read well in a log, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from edgekit.report import contributors, memory_lines

Report = dict[str, Any]
_WORST = 5  # layers with the lowest ratio that `validate` names
_MODEL, _PLAN, _SPEED, _CHECK = "model   ", "plan    ", "speed   ", "check   "
_KERNELS, _THREADS = "kernels ", "threads "
_QUANT, _FOLDED, _HELP, _INPUT = "quant   ", "folded  ", "help    ", "input   "
_MOST_ALIVE = 4  # tensors at the peak of an arena that are named


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], text: int = 1) -> str:
    """Columns as wide as their content; the first `text` columns to the left, numbers to the right."""
    cells = [list(headings), *([_cell(c) for c in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headings))]

    def line(row: Sequence[str]) -> str:
        parts = (
            c.ljust(w) if i < text else c.rjust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        )
        return "  ".join(parts).rstrip()

    return "\n".join(map(line, cells))


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)


def count(value: float) -> str:
    """A count with a unit: 512, 24.9 k, 2.66 M."""
    for limit, unit in ((1e6, " M"), (1e3, " k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.0f} "


def model_line(report: Report) -> str:
    return (
        f"{_MODEL}{report['model']}   {report['operators']} operators, "
        f"{count(report['parameters'])} parameters, {count(report['macs'])} MAC, {report['activations']}"
    )


def channels_lines(report: Report) -> list[str]:
    """What went with the constant channels: one line, none where nothing did."""
    found = report["constant_channels"]
    gone = found["channels_before"] - found["channels"]
    if not found["layers"]:
        return []
    return [
        f"{_FOLDED}{gone:,} of {found['channels_before']:,} channels are constant or unread: removed, "
        f"{count(found['macs_before'])} to {count(found['macs'])} MAC"
    ]


def channels_table(report: Report) -> list[str]:
    """The same layer by layer; which channels they were stands in the JSON form."""
    rows = [
        (e["name"], e["op"], len(e["removed"]), e["channels_before"], e["macs_before"], e["macs"])
        for e in report["constant_channels"]["layers"]
    ]
    heads = ("layer", "operator", "channels removed", "of", "MACs before", "MACs")
    return ["", table(heads, rows, text=2)] if rows else []


def plan_line(report: Report) -> str:
    gap = gap_text(report)
    verdict = gap if gap == "optimal" else f"gap {gap} ({report['arena_method']})"
    state = f"   state {report['state_bytes']:,} B" if report["state_bytes"] else ""
    return (
        f"{_PLAN}arena {report['arena_bytes']:,} B   lower bound "
        f"{report['arena_lower_bound_bytes']:,} B   {verdict}   peak at {report['arena_peak']}{state}"
    )


def head(report: Report) -> list[str]:
    """What the model is, what its numbers cost, and how it was laid out."""
    lines = [model_line(report), *quantization_lines(report), *channels_lines(report)]
    fed = report["stream_input"]
    if fed:
        lines.append(f"{_INPUT}{fed['rows']:,} rows of {fed['row_bytes']:,} B, fed as they come")
    return [*lines, plan_line(report), *threads_lines(report)]


def threads_lines(report: Report) -> list[str]:
    """What threads share; none for a model that one thread runs."""
    if report["threads"] == 1:
        return []
    stack = report.get("stack_bytes_each")
    each = f", {stack:,} B of stack each" if stack is not None else ""
    shared, layers = report["shared_layers"], len(report["layers"])
    lines = [
        f"{_THREADS}{report['threads']} share {shared} of {layers} layers, {report['phases']} phases{each}"
    ]
    if not shared:
        lines.append("        none has rows and work enough, or all are streamed")
    return lines


def speed_line(report: Report) -> str:
    """Cycles, and milliseconds where the target has a clock."""
    cycles = report["cycles_estimate"]
    if report["instructions"] is None:
        return f"{_SPEED}{report['cycles_method']}"
    clock = report.get("clock_hz")
    time = f" = {cycles / clock * 1e3:.1f} ms at {clock / 1e6:g} MHz" if clock and cycles else ""
    estimate = f", {count(cycles)} cycles (estimate){time}" if cycles else ""
    critical = report["critical_path_instructions"]
    path = f" ({count(critical)} one after the other)" if report["threads"] > 1 else ""
    return f"{_SPEED}{count(report['instructions'])} instructions{path}{estimate}"


def instances_lines(report: Report) -> list[str]:
    """What kernels compiled for single layers cost and won: one line, none where there are none or
    nothing was compared."""
    found = report.get("specialisation")
    if not found:
        return []
    layers, shared = len(found["layers"]), found["instructions_shared"]
    won = f", {count(found['instructions'])} instructions instead of {count(shared)}" * bool(shared)
    return [
        f"{_KERNELS}{layers} layers with constants: {found['code_bytes']:,} B of code instead of "
        f"{found['code_bytes_shared']:,}{won}"
    ]


def storage_lines(report: Report) -> list[str]:
    """What holding weights as streams of bits saved and costs."""
    layers = report["coded_weights"]
    if not layers:
        return []
    before, stream, code, paid = (
        sum(e[key] for e in layers) for key in ("plain_bytes", "stream_bytes", "code_bytes", "paid")
    )
    return [
        f"coded   weights of {len(layers)} layers {before:,} -> {stream:,} B and {code:,} B of codes, "
        f"an estimated {count(paid)} instructions more"
    ]


def storage_table(layers: list[Report]) -> list[str]:
    """The same layer by layer."""
    if not layers:
        return []
    rows = [
        (e["layer"], e["format"], e["plain_bytes"], e["stream_bytes"], e["code_bytes"],
         e["bits_per_weight"], e["paid"])
        for e in layers
    ]  # fmt: skip
    heads = (
        "layer",
        "weights as",
        "B before",
        "B",
        "codes B",
        "bits a weight",
        "instructions more",
    )
    return ["", table(heads, rows, text=2)]


def check_line(report: Report) -> str:
    """Which places computed the same bytes."""
    places = " = ".join(report["verified_places"])
    differ = f"{report['mismatches']} of {report['outputs_compared']:,} values differ"
    return f"{_CHECK}{places}, {report['samples']} samples, {differ}"


def gate_lines(report: Report) -> list[str]:
    """A line for every gate that failed, and what would help."""
    return [*_failed_lines(report), *advice_lines(report)]


def advice_lines(report: Report) -> list[str]:
    """What fills the smallest arena of a model that has too little RAM, and what would help."""
    advice = report.get("ram_advice")
    if advice is None:
        return []
    whole = ", which takes its tensors whole," if advice["whole"] else ""
    most = advice["alive"][:_MOST_ALIVE]
    alive = ", ".join(f"{entry['name']} {entry['bytes']:,} B" for entry in most)
    more = f", {len(advice['alive']) - len(most)} more" if len(most) < len(advice["alive"]) else ""
    layer = f"layer {advice['layer']}{whole} runs beside " if advice["layer"] else "alive: "
    lines = [f"        {layer}{alive}{more}"]
    lines += [
        f"{_HELP}{remedy['change']}: arena {remedy['arena_bytes']:,} B"
        for remedy in advice["remedies"]
    ]
    largest = f"a smaller {most[0]['name']}, or " if most else ""
    return [*lines, f"{_HELP}{largest}a target with more RAM"]


def _failed_lines(report: Report) -> list[str]:
    return [
        f"FAILED  {gate['name']}: found {_cell(gate['found'])}, limit {_cell(gate['limit'])}"
        + (f"   {gate['reason']}" if gate.get("reason") else "")
        for gate in report["gates"]
        if not gate["passed"]
    ]


def plan_screen(report: Report) -> str:
    """The Pareto front, a line a way to run the model, and the plan that a build would take."""
    rows = [
        (
            point["arena_bytes"],
            point["arena_lower_bound_bytes"],
            gap_text(point),
            f"+{point['instructions_added_percent']:.2f} %",
            sum(map(len, point["streams"])),
            " ".join(point["optimize"]),
        )
        for point in report["points"]
    ]
    heads = ("arena B", "lower bound B", "gap", "instructions", "layers streamed", "--optimize")
    return "\n".join([f"{_MODEL}{report['model']}", table(heads, rows, text=0), plan_line(report)])


def verify_screen(report: Report) -> str:
    """A certificate's verdict, and what is wrong with it."""
    verdict = "holds" if not report["problems"] else "DOES NOT HOLD"
    first = f"{_CHECK}the certificate of {report['model']} {verdict}: {report['blocks']:,} blocks"
    return "\n".join([first, *(f"        {text}" for text in report["problems"])])


def gap_text(entry: Report) -> str:
    """ "optimal", or how far an arena is above what is proved to be needed."""
    gap = entry["arena_bytes"] - entry["arena_proved_bytes"]
    if gap <= 0:
        return "optimal"
    return f"{gap:,} B = {100 * gap / entry['arena_proved_bytes']:.1f} %"


def quantization_lines(report: Report) -> list[str]:
    """What choosing numbers here costs, and where; none for a model that came with its numbers."""
    entry = report.get("quantization")
    if not entry:
        return []
    worst = entry["worst_layer"]
    lines = [f"        {note}" for note in entry["notes"]]
    if worst is None:
        return lines
    return [
        f"{_QUANT}{entry['samples']} samples compared   output SQNR {_decibels(entry['layers'][-1]['sqnr_db'])}"
        f"   most error added by {worst['name']} ({worst['op']}, {_decibels(worst['own_sqnr_db'])} alone)",
        *lines,
    ]


def _decibels(value: float | None) -> str:
    return "exact" if value is None else f"{value:.1f} dB"


def build_screen(report: Report) -> str:
    """The money screen: model, plan, memory, speed, check."""
    lines = [
        *head(report),
        *memory_lines(report),
        *storage_lines(report),
        speed_line(report),
        *instances_lines(report),
        check_line(report),
    ]
    lines += [
        f"        not on {e['place']}: {e['reason']} ({e['help']})" for e in report["left_out"]
    ]
    return "\n".join([*lines, *gate_lines(report)])


def size_screen(report: Report) -> str:
    """Memory by part and by layer, and the verdict."""
    verdict = "fits" if report["fits"] else "DOES NOT FIT"
    lines = [
        f"{_MODEL}{report['model']} on {report['target']}: {verdict}",
        plan_line(report),
        *memory_lines(report),
        f"stack   {' -> '.join(report['stack_path'])}",
        *contributors(report),
        *storage_table(report["coded_weights"]),
        *gate_lines(report),
    ]
    return "\n".join(lines)


def check_screen(report: Report) -> str:
    """What is known without a compiler."""
    verdict = "fits, code and stack apart" if report["fits"] else "DOES NOT FIT"
    first = f"{_CHECK}{report['model']} on {report['target']}: supported, static, integer-only; {verdict}"
    return "\n".join([first, *head(report), *memory_lines(report), *gate_lines(report)])


def validate_screen(report: Report) -> str:
    """One line a pair, the scores, the first differing layer."""
    lines = [f"{_MODEL}{report['model']} on {report['target']}, data: {report['data']}"]
    if "reference_skipped" in report:
        lines.append(f"{_CHECK}original not run: {report['reference_skipped']}")
    for pair in report["comparisons"]:
        differ = f"{pair['mismatches']:,} of {pair['outputs_compared']:,} values differ"
        if "outputs" not in pair:
            differ += f", by {pair['max_abs_error']:g} at most"
        same = "bit-exact" if pair["bit_exact"] else differ
        agreement = pair.get("agreement_top1")
        top1 = "" if agreement is None else f", top-1 agreement {100 * agreement:.2f} %"
        # What was quantized here, and an ONNX file, never equals its original.
        sign = "=" if "outputs" not in pair else "~"
        lines.append(
            f"{_CHECK}{pair['a']} {sign} {pair['b']}: {pair['samples']} samples, {same}{top1}"
        )
        lines += _error_lines(pair)
    for key in ("accuracy", "auc", "mse", "mae"):
        if report.get(key) is not None:
            original = report.get(f"reference_{key}")
            beside = (
                "" if original is None else f"   original {original:.4f} ({report['reference']})"
            )
            lines.append(f"{key:<10}{report[key]:.4f}{beside}")
    for pair in report["comparisons"]:
        if pair.get("first_differing_layer"):
            layer = pair["first_differing_layer"]
            lines.append(
                f"first   {pair['a']}, {pair['b']}: "
                + ", ".join(f"{k} {v}" for k, v in layer.items())
            )
    return "\n".join([*lines, *gate_lines(report)])


def _error_lines(pair: Report) -> list[str]:
    """How far an output is from an original in real numbers, and the layers that are furthest."""
    lines = []
    for entry in pair.get("outputs", ()):
        steps = entry["max_error_steps"]
        at_most = "" if steps is None else f" = {steps:.2f} steps"
        lines.append(
            f"        output {entry['name']}: {_ratio(entry)}, off by {entry['max_abs_error']:.4g}{at_most} at most"
        )
    rated = [e for e in pair.get("layers", ()) if e["sqnr_db"] is not None]
    if rated:
        worst = sorted(rated, key=lambda e: e["sqnr_db"])[:_WORST]
        lines.append(
            f"        layers furthest from the original, of {len(pair['layers'])} compared"
        )
        lines += [
            f"        {_short(e['name']):<32}{_ratio(e):>18}   off by {e['max_abs_error']:.4g} at most"
            for e in worst
        ]
    return lines


def _short(name: str) -> str:
    """Both ends of a name that is too long for its column: exporters join many."""
    return name if len(name) <= 32 else f"{name[:14]}...{name[-15:]}"


def _ratio(entry: Report) -> str:
    """The signal-to-noise ratio, or why there is none."""
    if entry["sqnr_db"] is None:
        return "no signal" if entry["max_abs_error"] else "equal"
    return f"SQNR {entry['sqnr_db']:.1f} dB"


def bench_screen(report: Report) -> str:
    """Per layer: kernel, MACs, instructions, instructions per MAC, estimated cycles."""
    rows = []
    for entry in report["layers"]:
        instructions, macs = entry.get("instructions"), entry["macs"]
        ratio = f"{instructions / macs:.2f}" if instructions and macs else None
        cycles = entry.get("cycles_estimate")
        rows.append((entry["name"], entry["kernel"], macs, instructions, ratio, cycles))
    total = report["instructions"]
    ratio = f"{total / report['macs']:.2f}" if total and report["macs"] else None
    rows.append(("total", "", report["macs"], total, ratio, report["cycles_estimate"]))
    heads = ("layer", "kernel", "MACs", "instructions", "per MAC", "cycles")
    return "\n".join([
        model_line(report),
        speed_line(report),
        f"cycles  {report['cycles_method']}",
        "",
        table(heads, rows, text=2),
    ])  # fmt: skip


def tune_screen(report: Report) -> str:
    """Per layer: the quickest kernel, and what each one took."""
    rows = [
        (
            entry["name"],
            entry["kernel"],
            entry["macs"],
            entry["instructions"],
            "  ".join(f"{suffix} {n:,}" for suffix, n in entry["ways"].items()),
        )
        for entry in report["layers"]
    ]
    return "\n".join([
        f"{_MODEL}{report['model']} on {report['target']}, {report['compiler']}",
        "",
        table(("layer", "quickest kernel", "MACs", "instructions", "  counted"), rows, text=2),
        "",
        f"wrote   {report['costs']}, {report['measured']} layers counted now",
    ])  # fmt: skip


def inspect_screen(report: Report) -> str:
    """Per layer: shapes, parameters, MACs, live bytes."""

    def shapes(lists: list[list[int]]) -> str:
        return " ".join("x".join(map(str, dims)) for dims in lists)

    rows = [
        (
            e["name"],
            e["op"],
            shapes(e["inputs"]),
            shapes(e["outputs"]),
            e["parameters"],
            e["macs"],
            e["live_bytes"],
        )
        for e in report["layers"]
    ]
    heads = ("layer", "operator", "in", "out", "parameters", "MACs", "live bytes")
    lines = [
        model_line(report),
        *channels_lines(report),
        plan_line(report),
        "",
        table(heads, rows, text=4),
        *channels_table(report),
        *storage_table(report.get("storage", [])),
    ]
    lines += ranges_lines(report) if "ranges" in report else []
    lines += sensitivity_lines(report["sensitivity"]) if "sensitivity" in report else []
    return "\n".join(lines)


def sensitivity_lines(entry: Report) -> list[str]:
    """What each layer loses, the most sensitive first."""
    by_name = {layer["name"]: layer for layer in entry["layers"]}
    key = "loss" if entry["metric"] is None else "lost"
    bits = sorted({c["bits"] for e in entry["layers"] for c in e["changes"] if c["bits"]})[::-1]
    rows = []
    for name in entry["ranking"]:
        layer = by_name[name]
        found = {c["bits"]: c for c in layer["changes"] if c["bits"]}
        fewer = [f"-{c['channels_removed']}: {c[key]:.3g}" for c in layer["changes"] if c["channels_removed"]]  # fmt: skip
        rows.append([name, layer["op"], layer["weights"], *(f"{found[b][key]:.3g}" for b in bits),
                     _number(layer["lost_per_bit"]), " ".join(fewer) or "-"])  # fmt: skip
    what = (
        "loss of the outputs" if entry["metric"] is None else f"{entry['metric']} in percent points"
    )
    head = f"sensitivity: {what} lost on {entry['samples']} samples, one layer changed at a time"
    heads = (
        "layer",
        "operator",
        "weights",
        *(f"{b} bits" for b in bits),
        "per bit",
        "channels less",
    )
    return ["", head, "", table(heads, rows, text=2)]


def ranges_lines(report: Report) -> list[str]:
    """Each tensor's range and each layer's error, the worst layer last."""
    keys = ("tensor", "scale", "zero_point", "low", "high", "measured_low", "measured_high")
    rows = [[_number(entry[key]) for key in keys] for entry in report["ranges"]]
    lines = ["", table([key.replace("_", " ") for key in keys], rows)]
    entry = report.get("quantization")
    if entry:
        parts = ("name", "op", "sqnr_db", "own_sqnr_db", "max_abs_error", "max_error_steps")
        heads = ("layer", "operator", "SQNR dB", "alone dB", "max error", "in steps")
        errors = [[_number(layer[part]) for part in parts] for layer in entry["layers"]]
        lines += ["", table(heads, errors, text=2), "", *quantization_lines(report)]
    return lines


def _number(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value


def targets_screen(report: Report) -> str:
    rows = [
        (
            t["name"],
            t["description"],
            " ".join(t["isa"]),
            t["ram_limit_bytes"],
            t["flash_limit_bytes"],
        )
        for t in report["targets"]
    ]
    return table(("target", "description", "isa", "RAM bytes", "flash bytes"), rows, text=3)


def target_screen(report: Report) -> str:
    lines = []
    for key, value in report.items():
        if isinstance(value, dict):
            lines += [f"{key}", *(f"    {k:<16}{_cell(v)}" for k, v in value.items())]
        elif isinstance(value, list | tuple) and value and isinstance(value[0], dict):
            for entry in value:
                lines += [f"{key}", *(f"    {k:<16}{_cell(v)}" for k, v in entry.items())]
        else:
            text = " ".join(map(str, value)) if isinstance(value, list | tuple) else _cell(value)
            lines.append(f"{key:<20}{text}")
    return "\n".join(lines)


def doctor_screen(report: Report) -> str:
    rows = [
        (
            t["name"],
            t["kind"],
            "found" if t["found"] else "missing",
            t["version"] if t["found"] else t["install"],
        )
        for t in report["tools"]
    ]
    return table(("tool", "kind", "", "version, or how to install it"), rows, text=4)
