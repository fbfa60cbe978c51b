"""Preprocessing as part of the program: from what a sensor gives to what the network takes.

A description of an input (`Audio`, `Image`, `Sensor`) is one specification of three things: the operators in
front of the network, their integers (simulator and C), and the same in real numbers, with which ranges are
calibrated and accuracy is judged.
"""

from edgekit.preprocess.apply import (
    front_of,
    integer_features,
    prepend,
    real_features,
    with_numbers,
)
from edgekit.preprocess.audio import Audio
from edgekit.preprocess.image import Image
from edgekit.preprocess.sensor import Sensor
from edgekit.preprocess.spec import Spec, read_all, tables

__all__ = [
    "Audio",
    "Image",
    "Sensor",
    "Spec",
    "front_of",
    "integer_features",
    "prepend",
    "read_all",
    "real_features",
    "tables",
    "with_numbers",
]
