"""Compression of models."""
