"""Training with PyTorch, an optional package."""
