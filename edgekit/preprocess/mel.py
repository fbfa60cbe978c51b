"""Filters of a mel filter bank: triangles over the bins of a spectrum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def mel_filters(
    bands: int, bins: int, sample_rate: float, low_hz: float, high_hz: float
) -> NDArray[Any]:
    """[bins, bands]: the weight of each bin, from 0 Hz to half the sample rate, in each band.

    The triangles' corners are evenly spaced in mel = 1127 ln(1 + f / 700), their sides straight in mel,
    their heights 1, and the bin of 0 Hz has no weight: the filters of HTK, as TensorFlow's
    ``tf.signal.linear_to_mel_weight_matrix`` makes them.
    """

    def mel(hertz: Any) -> Any:
        return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)

    at = mel(np.linspace(0.0, sample_rate / 2, bins))[:, None]
    corners = np.linspace(mel(low_hz), mel(high_hz), bands + 2)
    low, centre, high = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (at - low) / (centre - low), (high - at) / (high - centre)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    filters[0] = 0.0
    return np.asarray(filters)
