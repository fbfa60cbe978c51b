"""The `edgekit` command: click commands, thin over the Python API; heavy imports stay inside."""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgekit import __version__, config
from edgekit.errors import EdgekitError
from edgekit.options import (
    BUDGET,
    BUNDLE,
    CODE,
    COSTS,
    DIM,
    IO,
    KEEP,
    MODEL,
    OPTIMIZE,
    PLUGIN,
    RECIPE,
    REGIONS,
    STREAM,
    TARGET,
    THREADS,
    numbers,
    quantization,
    settings,
)
from edgekit.session import GATE_FAILED, INTERRUPTED, OK, USAGE, Session, command


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgekit")
@click.pass_context
def cli(context: click.Context) -> None:
    """From a trained model to integer-only C, proved byte for byte."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        sys.exit(USAGE)


@command(cli)
@MODEL
@PLUGIN
@TARGET
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Bundle folder (default build/<name>)."
)
@click.option("--name", default="", help="C prefix of the model (default: from the file name).")
@IO
@KEEP
@STREAM
@OPTIMIZE
@COSTS
@REGIONS
@THREADS
@CODE
@BUDGET
@DIM
@quantization
@click.option(
    "--dump", type=click.Path(path_type=Path), help="Write the graph after every pass here."
)
@config.preprocess
def build(session: Session, model: Path, target: str, output: Path | None, name: str, io: str,
          keep_input: bool, stream_input: bool, optimize: str, costs: Path | None, regions: str,
          threads: int, code_weights: str, budget: str, dims: dict[str, int], dump: Path | None,
          calibration: Path | None, scale: float | None, offset: float | None,
          preprocess: dict[str, Any], **choices: Any) -> int:  # fmt: skip
    """Build MODEL into a bundle of C files, verified and measured."""
    from edgekit.build import build as run
    from edgekit.screens import build_screen

    with session.progress(stages=4) as progress:
        report = run(model, calibration=calibration, scale=scale, offset=offset,
                     quantization=settings(**choices), target=target,
                     output=output, name=name, io=io, keep_input=keep_input,
                     stream_input=stream_input, optimize=optimize, costs=costs, regions=regions,
                     threads=threads, code_weights=code_weights, budget=budget, dims=dims,
                     preprocess=preprocess, dump=dumper(dump), progress=progress)  # fmt: skip
    folder = output or Path("build") / report["name"]
    session.show(report, build_screen(report) + f"\nwrote   {folder}")
    return verdict(report)


@command(cli)
@MODEL
@PLUGIN
@RECIPE
@TARGET
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Bundle folder (default build/<name>)."
)
@click.option("--name", default="", help="C prefix of the model (default: from the file name).")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="npz with x, and y where labels are known, to train with.",
)
@click.option("--calibration", type=click.Path(path_type=Path), help="npz with typical inputs (x).")
@click.option(
    "--test", type=click.Path(path_type=Path), help="npz with x and y that every step is judged by."
)
@click.option("--scale", type=float, help="Raw inputs become x * scale + offset.")
@click.option("--offset", type=float, help="Raw inputs become x * scale + offset.")
@click.option(
    "--metric",
    type=click.Choice(["top1", "auc", "mse", "mae"]),
    help="Default: top1 where y is there.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of everything that is drawn.")
@click.option(
    "--control/--no-control",
    default=True,
    show_default=True,
    help="Also measure what the same effort gives without the recipe's choices.",
)
@OPTIMIZE
@CODE
@BUDGET
@DIM
@config.preprocess
def compress(session: Session, model: Path, recipe: Path, budget: str, **options: Any) -> int:
    """Make MODEL smaller by the steps of a recipe, measure each, and build the result."""
    from edgekit.compress import Recipe
    from edgekit.compress import compress as run
    from edgekit.compress.screen import compress_screen

    steps = Recipe.read(recipe)
    with session.progress(stages=len(steps.steps) + 5) as progress:
        report = run(model, steps, budget=budget, progress=progress, **options)
    folder = options["output"] or Path("build") / report["name"]
    session.show(report, compress_screen(report) + f"\nwrote   {folder}")
    return verdict(report)


@command(cli)
@MODEL
@PLUGIN
@TARGET
@KEEP
@STREAM
@OPTIMIZE
@COSTS
@REGIONS
@THREADS
@BUDGET
@DIM
@quantization
@config.preprocess
def check(session: Session, model: Path, target: str, keep_input: bool, stream_input: bool,
          optimize: str, costs: Path | None, regions: str, threads: int, budget: str,
          dims: dict[str, int], preprocess: dict[str, Any], **options: Any) -> int:  # fmt: skip
    """Can MODEL run on the target? Supported, static, integer-only, does it fit; no compiler run."""
    from edgekit.commands import check as run
    from edgekit.screens import check_screen

    report = run(model, target, keep_input=keep_input, stream_input=stream_input, optimize=optimize,
                 costs=costs, regions=regions, threads=threads, budget=budget, dims=dims,
                 preprocess=preprocess,
                 **numbers(**options))  # fmt: skip
    session.show(report, check_screen(report))
    return verdict(report)


@command(cli)
@BUNDLE
@PLUGIN
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="npz with x, optionally y and labels; random without.",
)
@click.option(
    "--on",
    "place",
    default="host",
    show_default=True,
    metavar="{simulator,host,emulator,serial:PORT,ssh:HOST}",
)
@click.option("--scale", type=float, help="Raw inputs become x * scale + offset.")
@click.option("--offset", type=float, help="Raw inputs become x * scale + offset.")
@click.option(
    "--metric",
    type=click.Choice(["top1", "auc", "mse", "mae"]),
    help="Default: top1 where y is there.",
)
@click.option("--samples", type=click.IntRange(min=1), help="Use the first N samples only.")
@BUDGET
def validate(session: Session, bundle: Path, data: Path | None, place: str, scale: float | None,
             offset: float | None, metric: str | None, samples: int | None, budget: str) -> int:  # fmt: skip
    """Run the same inputs through the original, the simulator and the C of BUNDLE, and compare."""
    from edgekit.commands import validate as run
    from edgekit.screens import validate_screen

    with session.progress(stages=3) as progress:
        report = run(bundle, data=data, place=place, scale=scale, offset=offset, metric=metric,
                     limit=samples, budget=budget, progress=progress)  # fmt: skip
    session.show(report, validate_screen(report))
    return verdict(report)


@command(cli)
@BUNDLE
@PLUGIN
@click.option("--target", default="", help="Judge against another target than the bundle's.")
@BUDGET
def size(session: Session, bundle: Path, target: str, budget: str) -> int:
    """Does BUNDLE fit? Flash and RAM by part and by layer, against the target and the budget."""
    from edgekit.commands import size as run
    from edgekit.screens import size_screen

    report = run(bundle, target, budget)
    session.show(report, size_screen(report))
    return verdict(report)


@command(cli)
@BUNDLE
@PLUGIN
@click.option(
    "--on", "place", type=click.Choice(["emulator"]), default="emulator", show_default=True
)
def bench(session: Session, bundle: Path, place: str) -> int:
    """Executed instructions and estimated cycles of BUNDLE, per inference and per layer."""
    from edgekit.commands import bench as run
    from edgekit.screens import bench_screen

    report = run(bundle)
    session.show(report, bench_screen(report))
    return verdict(report)


@command(cli)
@MODEL
@PLUGIN
@TARGET
@KEEP
@STREAM
@OPTIMIZE
@COSTS
@REGIONS
@THREADS
@BUDGET
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("plan.json"),
              show_default=True, help="Where to write the ways, and the plan with its certificate.")  # fmt: skip
@click.option("--svg", type=click.Path(path_type=Path), help="Also draw the plan's arena here.")
@click.option("--verify", is_flag=True, help="MODEL is a plan.json: does its certificate hold?")
@config.preprocess
def plan(session: Session, model: Path, target: str, keep_input: bool, stream_input: bool, optimize: str,
         costs: Path | None, regions: str, threads: int, budget: str, output: Path, svg: Path | None,
         verify: bool, preprocess: dict[str, Any]) -> int:  # fmt: skip
    """RAM against instructions: the ways to run MODEL, and the certificate of the one a build takes."""
    from edgekit.bundle import plan_json
    from edgekit.commands import plan as run
    from edgekit.commands import verify_plan
    from edgekit.plan.drawing import draw
    from edgekit.screens import plan_screen, verify_screen

    if verify:
        report = verify_plan(model)
        session.show(report, verify_screen(report))
        return verdict(report)
    report = run(model, target, keep_input=keep_input, stream_input=stream_input, optimize=optimize,
                 costs=costs, regions=regions, threads=threads, budget=budget,
                 preprocess=preprocess)  # fmt: skip
    write(output, plan_json(report))
    if svg:
        write(svg, draw(report["plan"], f"{report['model']} on {report['target']}"))
    wrote = f"\nwrote   {output}" + (f", {svg}" if svg else "")
    session.show(report, plan_screen(report) + wrote)
    return OK


@command(cli)
@MODEL
@PLUGIN
@TARGET
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE",
              help="The cost file: made, or continued (default: <target>.costs.json).")  # fmt: skip
@DIM
@quantization
def tune(
    session: Session,
    model: Path,
    target: str,
    output: Path | None,
    dims: dict[str, int],
    **options: Any,
) -> int:
    """Count the kernels that each layer of MODEL may have, in the emulator; `build --costs` takes
    the quickest."""
    from edgekit.screens import tune_screen
    from edgekit.tune import tune as run

    path = output or Path(f"{Path(target).stem}.costs.json")
    with session.layers() as progress:
        report = run(model, target, path, dims=dims, progress=progress, **numbers(**options))
    session.show(report, tune_screen(report))
    return OK


@command(cli)
@PLUGIN
@TARGET
@click.option("--preemptive", "mode", flag_value="preemptive",
              help="Let every more urgent task interrupt the others.")  # fmt: skip
@click.option("--cooperative", "mode", flag_value="cooperative",
              help="Run every job to its end. Without both the schedule chooses which may interrupt which.")  # fmt: skip
@click.option("--margin", type=click.FloatRange(min=0), default=10.0, show_default=True,
              help="Percent that a job may take longer than counted.")  # fmt: skip
@BUDGET
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("build/schedule"),
              show_default=True, help="Folder with a bundle for each task, schedule.h and schedule.c.")  # fmt: skip
@config.tasks
def schedule(session: Session, target: str, mode: str | None, margin: float, budget: str, output: Path,
             tasks: Any, folder: Path) -> int:  # fmt: skip
    """Several models on one device: the [[task]] tables of -c share its memory, and all are in time."""
    from edgekit.tasks.run import schedule as run
    from edgekit.tasks.screen import schedule_screen

    with session.progress(stages=2 + len(tasks)) as progress:
        report = run(tasks, folder, target, mode=mode or "auto", margin=margin, budget=budget,
                     output=output, progress=progress)  # fmt: skip
    code = verdict(report)
    wrote = f"\nwrote   {output}" if "flash_bytes" in report else ""
    session.show(report, schedule_screen(report) + wrote)
    return code


@command(cli)
@MODEL
@PLUGIN
@TARGET
@BUDGET
@DIM
@click.option("--trials", type=click.IntRange(min=1), default=30, show_default=True,
              help="Recipes that are tried in all; those of an earlier call count.")  # fmt: skip
@click.option("--test", type=click.Path(path_type=Path), required=True,
              help="npz with x and y that the chosen recipe is judged by, once.")  # fmt: skip
@click.option("--select", type=click.Path(path_type=Path),
              help="npz with x and y that trials are judged by (default: half of --test, the other half judges).")  # fmt: skip
@click.option(
    "--data", type=click.Path(path_type=Path), help="npz to train with, for steps that do."
)
@click.option("--calibration", type=click.Path(path_type=Path),
              help="npz with typical inputs (x); needed for models of real values.")  # fmt: skip
@click.option("--scale", type=float, help="Inputs of all data become x * scale + offset.")
@click.option("--offset", type=float, help="Inputs of all data become x * scale + offset.")
@click.option("--metric", type=click.Choice(["top1", "auc"]), help="Default: top1.")
@click.option("--keep", default="1", show_default=True, metavar="0.4:1:0.1",
              help="Shares of the multiply-accumulates that pruning may leave beside all: some, or first:last:step.")  # fmt: skip
@click.option("--schemes", default="", metavar="w8a8,w4a8",
              help="Schemes of quantization to choose from, the finest first.")  # fmt: skip
@click.option("--optimize", "plans", default="balanced,speed,ram", show_default=True,
              help="What plans may be streamed for.")  # fmt: skip
@click.option("--storage", default="none,auto,all", show_default=True,
              help="Which weights flash may hold as streams of bits, as --code-weights of build.")  # fmt: skip
@click.option("--prefer", type=click.Choice(["accuracy", "ram", "flash", "cycles"]), default="accuracy",
              show_default=True, help="What is best on the front.")  # fmt: skip
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True,
              help="Trials at a time, each in a process of its own.")  # fmt: skip
@click.option("--engine", type=click.Choice(["local", "dask", "ray"]), default="local", show_default=True,
              help="Where workers run: this machine, or a cluster.")  # fmt: skip
@click.option("--scheduler", default="", metavar="ADDRESS", help="Of a cluster that exists.")
@click.option("--name", default="", help="C prefix of the model (default: from the file name).")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder that keeps the trials (default build/search_<name>).",
)
@config.preprocess
def search(session: Session, model: Path, keep: str, schemes: str, plans: str, storage: str,
           **options: Any) -> int:  # fmt: skip
    """Find the recipe that makes MODEL fit a budget: trials, their Pareto front, the best one built."""
    from edgekit.search.run import search as run
    from edgekit.search.screen import search_screen
    from edgekit.search.space import shares, words

    with session.layers() as progress:
        report = run(model, keep=shares(keep), schemes=words(schemes), optimize=words(plans),
                     storage=words(storage), progress=progress, **options)  # fmt: skip
    folder = options["output"] or Path("build") / f"search_{report['name']}"
    session.show(report, search_screen(report) + f"\nwrote   {folder}")
    return verdict(report)


@command(cli)
@MODEL
@PLUGIN
@DIM
@quantization
@click.option("--ranges", is_flag=True, help="Also each tensor's range and each layer's error.")
@click.option("--sensitivity", is_flag=True,
              help="Also what is lost where a layer alone has fewer bits or channels.")  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path),
              help="With --sensitivity: npz with x, optionally y (default: the calibration data).")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.svg",
              help="With --sensitivity: draw it here.")  # fmt: skip
@click.option("--storage", is_flag=True,
              help="Also how small each layer's weights would be as a stream of bits.")  # fmt: skip
@config.preprocess
def inspect(session: Session, model: Path, dims: dict[str, int], ranges: bool, sensitivity: bool,
            storage: bool, data: Path | None, output: Path | None, scale: float | None, offset: float | None,
            preprocess: dict[str, Any], **options: Any) -> int:  # fmt: skip
    """Operators, shapes, parameters, MACs and the memory bound of MODEL, per layer."""
    from edgekit.commands import inspect as run
    from edgekit.quantize import Calibration
    from edgekit.quantize.chart import draw
    from edgekit.screens import inspect_screen

    path = data or options["calibration"]
    if sensitivity != bool(data or output) and not (sensitivity and path):
        raise EdgekitError(
            "EK001", "options that belong together", where="--sensitivity --data -o",
            found="one without the other", help="edgekit inspect MODEL --sensitivity --data DATA.npz [-o FILE.svg]",
        )  # fmt: skip
    judged = Calibration(path, scale, offset) if sensitivity else None
    with session.layers() as progress:
        report = run(model, dims=dims, ranges=ranges, sensitivity=judged, storage=storage,
                     preprocess=preprocess, progress=progress, **numbers(scale=scale, offset=offset, **options))  # fmt: skip
    text = inspect_screen(report)
    if output:
        write(output, draw(report["sensitivity"], report["model"]))
        text += f"\nwrote   {output}"
    session.show(report, text)
    return OK


@command(cli)
@PLUGIN
def ops(session: Session) -> int:
    """The supported operators per source format, with their limits."""
    from edgekit.catalogue import operators, operators_text

    session.show({"operators": operators()}, operators_text())
    return OK


@command(cli)
def doctor(session: Session) -> int:
    """Which compilers, emulators and extras are found; how to install the others."""
    from edgekit.doctor import tool_report
    from edgekit.screens import doctor_screen

    report = {"tools": tool_report(), "edgekit_version": __version__}
    session.show(report, doctor_screen(report))
    return OK


@command(cli)
@click.argument("words", nargs=-1, metavar="[list | show NAME]")
def targets(session: Session, words: tuple[str, ...]) -> int:
    """The target database, or one target in full; NAME may be a TOML file."""
    from edgekit.screens import target_screen, targets_screen
    from edgekit.target import list_targets, load_target

    match words:
        case () | ("list",):
            table = {"targets": [load_target(name).summary() for name in list_targets()]}
            session.show(table, targets_screen(table))
        case ("show", name):
            target = load_target(name).to_json()
            session.show(target, target_screen(target))
        case _:
            raise EdgekitError(
                "EK001", "unknown words after `targets`", where="edgekit targets",
                found=" ".join(words), help="edgekit targets, or edgekit targets show NAME",
            )  # fmt: skip
    return OK


def verdict(report: dict[str, Any]) -> int:
    """1 when a gate failed, else 0."""
    return OK if all(gate["passed"] for gate in report["gates"]) else GATE_FAILED


def write(path: Path, text: str) -> None:
    """Write a file that the user named. Raises EK001 where that cannot be done."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as refused:
        raise EdgekitError("EK001", "the file cannot be written", where=str(path),
                           found=str(refused.strerror), help="choose another --output") from None  # fmt: skip


def dumper(folder: Path | None) -> Callable[[str, str], None] | None:
    """Writes each stage's text as ``NN_<stage>.txt`` into `folder`."""
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise EdgekitError("EK001", "the folder of --dump cannot be made", where=str(folder),
                           found=str(refused.strerror), help="choose another folder") from None  # fmt: skip
    count = iter(range(1000))

    def dump(stage: str, text: str) -> None:
        (folder / f"{next(count):02}_{stage}.txt").write_text(text, encoding="utf-8")

    return dump


def main() -> None:
    """The console script: usage errors are EK001 with exit code 2, in JSON where that was asked."""
    for stream in (sys.stdout, sys.stderr):  # a name that the terminal cannot show is no error
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    words = sys.argv[1:]
    in_json = "--format=json" in words or ("--format", "json") in itertools.pairwise(words)
    session = Session("json" if in_json else "text", False, "-v" in words or "--verbose" in words)
    try:
        cli.main(prog_name="edgekit", standalone_mode=False)
    except click.ClickException as usage:
        context = usage.ctx if isinstance(usage, click.UsageError) else None
        where = context.command_path if context else "edgekit"
        message = usage.format_message().rstrip(".")
        session.fail(EdgekitError("EK001", message, where=where, help=f"{where} --help"))
    except EdgekitError as error:  # of an option that is read before its command runs
        session.fail(error)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(INTERRUPTED)
    except Exception as bug:
        session.fail_internally(bug)


if __name__ == "__main__":
    main()
