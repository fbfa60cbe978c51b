"""edgekit: from a trained model to integer-only C, proved byte for byte."""

__version__ = "0.1.0"
