"""Audio: from samples to the logarithms of mel bands, or to MFCC."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgekit.errors import EdgekitError
from edgekit.graph import Value
from edgekit.ops.filter_bank import FilterBank
from edgekit.ops.spectrum import Spectrum
from edgekit.preprocess.chain import Chain
from edgekit.preprocess.mel import mel_filters
from edgekit.preprocess.spec import Spec

_LOGS = {"ln": math.log(2), "log2": 1.0, "log10": math.log10(2), "db": 10 * math.log10(2)}
_SAMPLE = 1 / 32768  # int16 samples stand for -1 to 1
_LARGEST_LENGTH = 4096


@dataclass(frozen=True)
class Audio(Spec):
    """int16 samples to frames, spectra, mel bands and their logarithms; `coefficients` above 0 to MFCC.

    frame, step: in samples; length: of the Fourier transform, a power of two, 0 for the next one from
    `frame`. spectrum: "magnitude" or "power". level "peak": each clip is divided by its largest
    sample first. log: "ln", "log2", "log10" or "db" (10 log10) of value + offset. The result times
    `scale` plus `add` is what the network takes. samples: of a clip; 0 in a stream, where each call
    brings `new_frames` frames, and the samples and frames before are kept.
    """

    called: ClassVar[str] = "audio"

    sample_rate: int
    frame: int
    step: int
    bands: int
    samples: int = 0
    new_frames: int = 0
    window: str = "hann"
    length: int = 0
    spectrum: str = "magnitude"
    low_hz: float = 20.0
    high_hz: float = 4000.0
    level: str = "full scale"
    log: str = "ln"
    offset: float = 1e-6
    coefficients: int = 0
    orthonormal: bool = False
    scale: float = 1.0
    add: float = 0.0

    def __post_init__(self) -> None:
        self.demand_types()
        self.demand(1 <= self.sample_rate <= 1_000_000, "sample_rate", "1 to 1000000 Hz")
        self.demand(1 <= self.frame <= _LARGEST_LENGTH, "frame", f"1 to {_LARGEST_LENGTH} samples")
        self.demand(1 <= self.step <= 1_000_000, "step", "from 1 sample")
        size = self.size
        self.demand(8 <= size <= _LARGEST_LENGTH and size & (size - 1) == 0 and size >= self.frame,
                    "length", f"a power of two from 8 to {_LARGEST_LENGTH}, not below frame, or 0")  # fmt: skip
        self.demand(1 <= self.bands <= 512, "bands", "1 to 512")
        self.demand(
            0 <= self.coefficients <= self.bands, "coefficients", "0 to the number of bands"
        )
        self.demand(0 <= self.low_hz < self.high_hz, "low_hz", "from 0 to below high_hz")
        self.demand(self.high_hz <= self.sample_rate / 2, "high_hz", "at most half the sample rate")
        for key, known in (("window", ("hann", "hamming", "none")), ("spectrum", ("magnitude", "power")),
                           ("level", ("full scale", "peak")), ("log", tuple(_LOGS))):  # fmt: skip
            self.demand(getattr(self, key) in known, key, f"one of {', '.join(known)}")
        self.demand(0 < self.offset <= 1, "offset", "above 0, at most 1")
        self.demand(self.scale != 0, "scale", "another number than 0")
        self.demand(self.add == 0 or self.coefficients == 0, "add", "0 for MFCC")
        self.demand(self.samples >= 0, "samples", "from 0")
        self.demand(self.new_frames >= 0, "new_frames", "from 0")
        self.demand((self.samples > 0) != (self.new_frames > 0), "samples",
                    "either samples of a clip or new_frames of a stream")  # fmt: skip
        self.demand(self.level != "peak" or self.samples > 0, "level",
                    "full scale in a stream: the largest sample of a clip is known at its end")  # fmt: skip
        self.demand(self.level != "peak" or self.spectrum == "magnitude", "level",
                    "full scale for a power spectrum")  # fmt: skip
        self.demand(self.piece >= 8, "step", "a step that has 8 samples or more in common with "
                    f"{'samples' if self.samples else 'frame'} (greatest common divisor {self.piece})")  # fmt: skip

    @property
    def size(self) -> int:
        """Length of the transform."""
        return self.length or max(8, 1 << (self.frame - 1).bit_length())

    @property
    def piece(self) -> int:
        """Samples of a row of the input: frames begin at rows."""
        return math.gcd(self.step, self.samples or self.frame)

    def frames_of(self, rows: int) -> int:
        """Frames that lie in so many rows of samples."""
        return (rows * self.piece - self.frame) // self.step + 1

    def write(self, chain: Chain) -> None:
        frames = self._frames(chain)
        signal, made = self._signal(chain, frames)
        bands = self._bands(chain, signal, made)
        features = self._features(chain, signal, bands)
        if self.new_frames:
            features = chain.window("frames", features, frames, chain.silent(features)[:, -1:])
        chain.end(features)

    def _frames(self, chain: Chain) -> int:
        """How many frames the network takes."""
        each = self.coefficients or self.bands
        frames, rest = divmod(chain.target.elements, each)
        fits = rest == 0 and frames >= max(1, self.new_frames)
        if self.samples and fits:
            fits = self.samples >= (frames - 1) * self.step + self.frame
        if not fits:
            shape = "x".join(map(str, chain.target.shape))
            raise EdgekitError(
                "EK205", "the preprocessing does not make what the network takes",
                where=f"input {chain.name}",
                found=f"frames of {each} numbers from {self.samples or 'a stream of'} samples, wanted {shape}",
                help="change samples, frame, step, bands or coefficients",
            )  # fmt: skip
        return frames

    def _signal(self, chain: Chain, frames: int) -> tuple[Value, int]:
        """The samples as rows of `piece`, and how many frames are made of them."""
        piece = self.piece
        if self.samples:
            raw = chain.input((1, self.samples // piece, 1, piece), "int16", _SAMPLE)
            return raw, frames
        fresh = self.new_frames * self.step // piece
        raw = chain.input((1, fresh, 1, piece), "int16", _SAMPLE)
        overlap = max(0, -(-(self.frame - self.step) // piece))
        return chain.window("samples", raw, fresh + overlap, np.zeros(1)), self.new_frames

    def _bands(self, chain: Chain, signal: Value, frames: int) -> Value:
        bins = self.size // 2 + 1
        filters = mel_filters(self.bands, bins, self.sample_rate, self.low_hz, self.high_hz)
        filters = filters.astype(np.float32)
        used = np.flatnonzero(filters.any(axis=1))
        first, count = (int(used[0]), int(used[-1] - used[0]) + 1) if used.size else (0, 1)
        scale = Spectrum.scale(_SAMPLE, self.size)
        spectrum = chain.tensor("spectrum", (1, frames, count, 1), "int32", scale)
        attrs = {"frames": frames, "step": self.step // self.piece, "frame": self.frame,
                 "length": self.size, "first": first, "bins": count, "window": self.window}  # fmt: skip
        chain.add("spectrum", [signal], spectrum, **attrs)
        weights = chain.constant("filters", filters[first : first + count])
        power = self.spectrum == "power"
        scale = FilterBank.scale(spectrum.scale, filters[first : first + count], power)
        bands = chain.tensor("bands", (1, frames, self.bands, 1), "int32", scale)
        # Of powers the offset is added before the root; its logarithm then counts twice.
        offset = self.offset if power else 0.0
        return chain.add("filter_bank", [spectrum, weights], bands, power=power, offset=offset)

    def _features(self, chain: Chain, signal: Value, bands: Value) -> Value:
        """Logarithms, and what follows them."""
        frames, power = bands.shape[1], self.spectrum == "power"
        factor = (1 + power) * _LOGS[self.log]
        attrs: dict[str, Any] = {
            "factor": factor,
            "offset": 0.0 if power else self.offset,
            "add": 0.0,
        }
        if self.coefficients:
            attrs["row"] = (self.bands, 1)
            logs = chain.tensor("logs", bands.shape, "int16", self._log_scale(bands, factor))
        else:
            row = chain.row(self.bands)
            attrs |= {"factor": factor * self.scale, "add": self.add, "row": row}
            logs = chain.like_target("logs", (1, frames, *row))
        if self.level == "peak":
            level = chain.tensor("level", (1, frames, 1, 1), "int16", _SAMPLE)
            chain.add("peak", [signal], level, rows=frames)
            chain.add("log_level", [bands, level], logs, **attrs)
        else:
            chain.add("log_bands", [bands], logs, **attrs)
        if not self.coefficients:
            return logs
        row = chain.row(self.coefficients)
        out = chain.like_target("mfcc", (1, frames, *row))
        return chain.add("cepstrum", [logs], out, coefficients=self.coefficients, row=row,
                         orthonormal=self.orthonormal, scale=self.scale)  # fmt: skip

    def _log_scale(self, bands: Value, factor: float) -> float:
        """So that int16 holds every logarithm: from that of the offset to that of the largest band."""
        largest = bands.scale * 2**31 * (32768 if self.level == "peak" else 1)
        return abs(factor) * max(abs(math.log2(self.offset)), abs(math.log2(largest)), 1.0) / 32700
