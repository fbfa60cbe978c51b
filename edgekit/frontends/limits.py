"""How much a model file may hold and claim, whatever its format."""

from __future__ import annotations

# A model file, with the files of weights that it refers to.
MAX_FILE_BYTES = 512 << 20
# What one run may need for activations and variables together: a file of one kilobyte can claim
# terabytes, and the plan's check takes about 25 times an arena's size.
MAX_ACTIVATION_BYTES = 128 << 20
MAX_AXES = 8
