"""The arguments and options that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgekit import config

if TYPE_CHECKING:
    from edgekit.quantize import Settings


def _plugins(context: click.Context, parameter: click.Parameter, folders: tuple[Path, ...]) -> None:
    """Make them known before anything is read: a plug-in is part of the registry, not of a command."""
    if folders:
        from edgekit.plugins import load_plugins

        load_plugins(*folders)


MODEL = click.argument("model", type=click.Path(path_type=Path))
BUNDLE = click.argument("bundle", type=click.Path(path_type=Path))
TARGET = click.option(
    "--target",
    default="host",
    show_default=True,
    help="A name of `edgekit targets`, or a TOML file.",
)
BUDGET = click.option(
    "--budget",
    default="",
    metavar="ram=32K,flash=128K,cycles=3M,accuracy-drop=0.5",
    help="Gates beside the target's own limits.",
)
KEEP = click.option(
    "--keep-input", is_flag=True, help="A run leaves its inputs unchanged (costs RAM)."
)
STREAM = click.option(
    "--stream-input", is_flag=True, help="The input is handed over row by row, as it comes."
)
OPTIMIZE = click.option("--optimize", type=click.Choice(["balanced", "speed", "size", "ram"]), default="balanced", show_default=True,
                        help="Stream rows for the least RAM (ram), for what costs an estimated 3 % of the instructions at most (balanced), not at all (speed, size).")  # fmt: skip
CODE = click.option("--code-weights", type=click.Choice(["none", "auto", "all"]), default="none", show_default=True,
                    help="Hold weights in flash as streams of bits, decoded as they are used: where --optimize allows what that costs (auto), or wherever it saves (all).")  # fmt: skip
COSTS = click.option("--costs", type=click.Path(path_type=Path), metavar="FILE",
                     help="Choose kernels by the instructions that `edgekit tune` counted into FILE.")  # fmt: skip
REGIONS = click.option("--regions", default="", metavar="dtcm,sram",
                       help="Spread the arena over these memory regions of the target, what is used most in the first.")  # fmt: skip
THREADS = click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True,
                       help="Share the rows of large layers over so many cores of the target.")  # fmt: skip
IO = click.option("--io", type=click.Choice(["arena", "caller", "float"]), default="arena", show_default=True,
                  help="Inputs and outputs inside the arena, in the caller's buffers, or arena plus float helpers.")  # fmt: skip


PLUGIN = click.option("--plugin", multiple=True, metavar="DIR", expose_value=False, callback=_plugins,
                      type=click.Path(path_type=Path), help="A folder with operators of your own, one Python and one C file each.")  # fmt: skip
DIM = click.option("--dim", "dims", multiple=True, metavar="NAME=SIZE", callback=config.sizes,
                   help="The size of a symbolic dimension of an input.")  # fmt: skip


RECIPE = click.option("--recipe", type=click.Path(path_type=Path), metavar="FILE", callback=config.recipe,
                      help="A TOML file with the steps [[compress.step]]; without it those of --config.")  # fmt: skip


def quantization(function: Callable[..., int]) -> Callable[..., int]:
    """The options that say how a model of real values gets its integers."""
    options = [
        click.option("--calibration", type=click.Path(path_type=Path),
                     help="npz with typical inputs (x); needed for models of real values."),
        click.option("--scale", type=float, help="Calibration inputs become x * scale + offset."),
        click.option("--offset", type=float, help="Calibration inputs become x * scale + offset."),
        click.option("--range-method", type=click.Choice(["minmax", "percentile", "mse", "entropy"]),
                     default="percentile", show_default=True, help="How ranges follow from the data."),
        click.option("--equalize/--no-equalize", default=True, show_default=True,
                     help="Even out the channels of neighbouring layers first."),
        click.option("--bias-correction/--no-bias-correction", default=True, show_default=True,
                     help="Take the mean error of each channel out of its bias."),
        click.option("--scheme", metavar="{w8a8,w4a8,w3a8,w2a8,w8a16,c1a8..c7a8,e0.1a8..e7a8,mixed}", default="w8a8", show_default=True,
                     help="Bits of weights and activations; w4a8, w3a8 and w2a8 take less flash for the weights, w8a16 has finer steps. For --code-weights: c4a8 has code books of 2^4 numbers, e2.5a8 2.5 bits a weight, mixed what each layer needs within --weights."),
        click.option("--weights", default="", metavar="120K|40%",
                     help="With --scheme mixed: bytes of all weights, or their share of those at 8 bits."),
        click.option("--among", default="w8a8,w4a8,w3a8,w2a8,c,e", show_default=True, metavar="SCHEMES",
                     help="What --scheme mixed chooses from; c: all code books, e: all rates. w8a8,w4a8 need no coding."),
        click.option("--layer-scheme", "layer_schemes", multiple=True, metavar="NAME=SCHEME", callback=config.schemes,
                     help="Another scheme for the layers of this name, which may have wildcards."),
        click.option("--rounding", type=click.Choice(["auto", "learned", "nearest"]), default="auto", show_default=True,
                     help="Fit weights to what their layer computes: those of fewer than eight bits (auto), all, none."),
        click.option("--power-of-two", is_flag=True, help="Scales that are powers of two."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def numbers(
    calibration: Path | None, scale: float | None, offset: float | None, **choices: Any
) -> dict[str, Any]:
    """The options of `quantization` as `check` and `inspect` take them."""
    from edgekit.quantize import Calibration

    given = None if calibration is None else Calibration(calibration, scale, offset)
    return {"calibration": given, "quantization": settings(**choices)}


def settings(range_method: str, equalize: bool, bias_correction: bool, scheme: str,
             layer_schemes: dict[str, str], rounding: str, power_of_two: bool, weights: str,
             among: str) -> Settings:  # fmt: skip
    """How numbers are chosen, by the options of `quantization`."""
    from edgekit.quantize import Settings

    return Settings(
        range_method, equalize, bias_correction, scheme, layer_schemes, rounding, power_of_two,
        weights, among,
    )  # fmt: skip
