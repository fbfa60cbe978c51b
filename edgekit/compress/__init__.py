"""Compression: what makes a model smaller before it is lowered."""
