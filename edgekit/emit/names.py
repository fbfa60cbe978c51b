"""C names: how tensors, steps and files of a model are called in the emitted code."""

from __future__ import annotations

import re
from collections.abc import Iterable

from edgekit.errors import EdgekitError

# A boolean is a byte, 0 or 1.
_C_TYPES = {
    "int8": "int8_t", "uint8": "uint8_t", "bool": "uint8_t", "int16": "int16_t",
    "uint16": "uint16_t", "int32": "int32_t", "uint32": "uint32_t",
}  # fmt: skip
_KEYWORDS = frozenset(
    "auto break case char const continue default do double else enum extern float for goto if "
    "inline int long register restrict return short signed sizeof static struct switch typedef "
    "union unsigned void volatile while main".split()
)


def c_type(dtype: str) -> str:
    """The C type of a tensor's element. Raises EK203 for what integer code cannot hold."""
    if dtype not in _C_TYPES:
        raise EdgekitError(
            "EK203",
            "a tensor has no integer C type",
            found=f"{dtype}, wanted one of {', '.join(_C_TYPES)}",
            help="convert the model with full integer quantization",
        )
    return _C_TYPES[dtype]


def identifier(text: str) -> str:
    """`text` as a lower-case C identifier."""
    name = re.sub(r"[^0-9a-z]+", "_", text.lower()).strip("_") or "x"
    return f"m_{name}" if name[0].isdigit() else name


LONGEST = 41  # characters of a model's name


def default_name(stem: str) -> str:
    """The C prefix for a model file without a given name."""
    name = identifier(stem)[:LONGEST].strip("_")
    return f"m_{name}"[:LONGEST] if name in _KEYWORDS or name.startswith("ek_") else name


def check_name(name: str) -> str:
    """A model name that can prefix C identifiers. Raises EK001 otherwise."""
    if (
        not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", name)
        or name in _KEYWORDS
        or name.startswith("ek_")
    ):
        raise EdgekitError(
            "EK001",
            "the model name cannot be a C prefix",
            where="--name",
            found=f"{name!r}, wanted a lower-case letter, then letters, digits or _ (at most 41)",
            help="choose another --name",
        )
    return name


def comment(text: str) -> str:
    """`text` as it may stand inside a C comment: tensor and file names come from outside."""
    return re.sub(r"[^ -~]|\*/|/\*|\\", "_", text)


def unique(names: Iterable[str]) -> dict[str, str]:
    """Tensor name to C identifier, distinct and in a fixed order."""
    table: dict[str, str] = {}
    for name in names:
        base = candidate = identifier(name)
        count = 1
        while candidate in table.values():
            count += 1
            candidate = f"{base}_{count}"
        table[name] = candidate
    return table
