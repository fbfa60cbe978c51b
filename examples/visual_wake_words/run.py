"""A quantized ONNX network that sees people, on 500 photographs, with a picture of its answers.

    python examples/visual_wake_words/run.py [--shared ../shared] [--target rpi4]

Builds the QDQ model, runs it on the emulated core, and writes `contact_sheet.png`: photographs with
a green frame where the answer is right, a red one where it is wrong.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

import edgekit
from edgekit import commands
from edgekit.screens import build_screen, validate_screen

MODEL = Path("models") / "mlperf_tiny_onnx_qdq" / "mobilenet_v1.onnx"
PHOTOGRAPHS = Path("data") / "mlperf_tiny_vww01_rgb96_500.npz"
OUTPUT = Path("build") / "visual_wake_words"
COLUMNS, ROWS, TILE, FRAME = 10, 6, 96, 4
RIGHT, WRONG = (30, 150, 60), (210, 40, 40)


def contact_sheet(photographs: np.ndarray, answers: np.ndarray, wanted: np.ndarray) -> Image.Image:
    """Right answers in the upper half, wrong ones below; each tile says what the network saw."""
    half = COLUMNS * ROWS // 2
    right, wrong = (np.flatnonzero((answers == wanted) == kind)[:half] for kind in (True, False))
    order = np.concatenate([right, wrong])
    step = TILE + 2 * FRAME
    sheet = Image.new("RGB", (COLUMNS * step, ROWS * (step + 12)), "white")
    draw = ImageDraw.Draw(sheet)
    for place, index in enumerate(order):
        x, y = place % COLUMNS * step, place // COLUMNS * (step + 12)
        colour = RIGHT if answers[index] == wanted[index] else WRONG
        draw.rectangle((x, y, x + step - 2, y + step - 2), fill=colour)
        sheet.paste(Image.fromarray(photographs[index]), (x + FRAME, y + FRAME))
        draw.text((x + FRAME, y + step - 1), ("no person", "person")[answers[index]], fill=colour)
    return sheet


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--shared", type=Path, default=Path(os.environ.get("EDGEKIT_SHARED", "../shared"))
    )
    parser.add_argument("--target", default="rpi4")
    options = parser.parse_args()
    if not (options.shared / PHOTOGRAPHS).is_file():
        print(f"no {PHOTOGRAPHS} below {options.shared}; say where with --shared", file=sys.stderr)
        return 2
    with np.load(options.shared / PHOTOGRAPHS) as data:
        photographs, labels = data["x"], data["y"]

    OUTPUT.mkdir(parents=True, exist_ok=True)
    samples = OUTPUT / "photographs.npz"
    channels_first = (photographs / np.float32(255)).transpose(0, 3, 1, 2)
    np.savez(samples, x=channels_first.astype(np.float32), y=labels)

    bundle = OUTPUT / "vww"
    report = edgekit.build(options.shared / MODEL, target=options.target, name="vww", output=bundle)
    print(build_screen(report))
    checked = commands.validate(bundle, data=samples, place="emulator")
    print(validate_screen(checked))

    (scores,) = commands.predict(bundle, channels_first)
    sheet = OUTPUT / "contact_sheet.png"
    contact_sheet(photographs, scores.argmax(axis=1), labels).save(sheet)
    print(f"wrote   {sheet}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
