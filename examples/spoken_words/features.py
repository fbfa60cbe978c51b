"""The same features in floating point: what the network was trained on, written with numpy alone."""

from __future__ import annotations

import numpy as np

SAMPLE_RATE, FRAME, STEP, LENGTH = 16000, 480, 320, 512
BANDS, COEFFICIENTS, LOW_HZ, HIGH_HZ = 40, 10, 20.0, 4000.0


def mel(hertz: np.ndarray) -> np.ndarray:
    return 1127 * np.log(1 + hertz / 700)


def mel_weights() -> np.ndarray:
    """[257, 40], as ``tf.signal.linear_to_mel_weight_matrix``."""
    bins = mel(np.linspace(0, SAMPLE_RATE / 2, LENGTH // 2 + 1)[1:, None])
    edges = np.linspace(*mel(np.array([LOW_HZ, HIGH_HZ])), BANDS + 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    return np.vstack([np.zeros(BANDS), np.maximum(0, triangles)])


def mfcc(audio: np.ndarray) -> np.ndarray:
    """Clips int16 [N, 16000] to MFCC [N, 49, 10, 1]: MLPerf Tiny's `get_dataset.py` without TensorFlow."""
    x = audio / audio.max(axis=-1, keepdims=True)
    frames = 1 + (x.shape[-1] - FRAME) // STEP
    at = np.arange(frames)[:, None] * STEP + np.arange(FRAME)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    spectrum = np.abs(np.fft.rfft(x[..., at] * window, LENGTH))
    logs = np.log(spectrum @ mel_weights() + 1e-6)
    angle = np.pi * np.outer(np.arange(BANDS) + 0.5, np.arange(COEFFICIENTS)) / BANDS
    return (logs @ np.cos(angle) * np.sqrt(2 / BANDS))[..., None]
