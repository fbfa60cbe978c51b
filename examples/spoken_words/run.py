"""From one second of sound to a spoken word, all of it in integers on an emulated Cortex-M4.

    python examples/spoken_words/run.py [--data clips.npz]

Builds MLPerf Tiny's keyword-spotting network with its feature extraction in front, so that the C takes
16 kHz samples as a microphone gives them; runs it on the emulated core, and beside it the network
alone on the features that numpy computes in floating point.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from features import mfcc

import edgekit
from edgekit import commands
from edgekit.screens import build_screen, validate_screen

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
MODEL = HERE.parent / "keyword_spotting" / "kws_ref_model.tflite"
OUTPUT = Path("build") / "spoken_words"


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=HERE / "clips.npz",
                        help="clips int16 [N, 16000] as `audio` or `x`, words as `y` and `labels`")  # fmt: skip
    options = parser.parse_args()
    with np.load(options.data) as data:
        audio = data["audio"] if "audio" in data else data["x"]
        wanted, labels = data["y"], data["labels"]
    OUTPUT.mkdir(parents=True, exist_ok=True)
    samples = OUTPUT / "clips.npz"
    np.savez(samples, x=audio, y=wanted, labels=labels)

    table = tomllib.loads((HERE / "edgekit.toml").read_text(encoding="utf-8"))
    bundle = OUTPUT / "words"
    report = edgekit.build(MODEL, **table["build"], preprocess=table["preprocess"], output=bundle)
    print(build_screen(report))
    checked = commands.validate(bundle, data=samples, place="emulator")
    print(validate_screen(checked))

    alone = OUTPUT / "network"
    edgekit.build(MODEL, target=table["build"]["target"], name="network", output=alone)
    (expected,) = commands.predict(alone, mfcc(audio))
    (scores,) = commands.predict(bundle, audio)
    heard, python = scores.argmax(axis=-1), expected.argmax(axis=-1)
    for i in range(min(len(audio), 12)):
        print(f"said {labels[wanted[i]]:8} heard {labels[heard[i]]:8} {scores[i].max():4.0%}")
    same, right = int((heard == python).sum()), [int((x == wanted).sum()) for x in (heard, python)]
    print(
        f"words   {right[0]} of {len(audio)} right, {right[1]} from numpy's features; {same} heard alike"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
