"""The files that PyTorch writes and that are not `.pt2` programs: told apart, and refused."""

from __future__ import annotations

from collections.abc import Iterable

from edgekit.errors import EdgekitError

MAKE_PT2 = """import torch  # 2.9 or newer
program = torch.export.export(model.eval(), (example_input,))
torch.export.save(program, "model.pt2")"""


def refusal(file: str, what: str) -> EdgekitError:
    """EK102 with the lines that make a `.pt2` of the model."""
    return EdgekitError(
        "EK102", "this is not a .pt2 program", where=file,
        found=f"{what}, wanted an archive written by torch.export.save", help=MAKE_PT2,
    )  # fmt: skip


def pickled(file: str) -> EdgekitError:
    """What to say of a file that starts as a pickle does."""
    return refusal(file, "a Python pickle (torch.save of an old version, or a renamed one); pickles are never opened")  # fmt: skip


def zip_kind(names: Iterable[str]) -> str:
    """What a zip archive without a program is, from the names of its members."""
    inner = {name.split("/", 1)[-1] for name in names} | set(names)

    def has(*parts: str) -> bool:
        return any(name == part or name.startswith(part) for name in inner for part in parts)

    if has("data/aotinductor/"):
        return "a compiled AOTInductor package without a graph"
    if has("serialized_exported_program.json"):
        return "a .pt2 of torch 2.8 or older, whose weights are pickled"
    if has("constants.pkl") or has("code/"):
        return "a TorchScript archive"
    if has("data.pkl"):
        return "a file of torch.save (a state_dict or a pickled module)"
    if has("model.weights.h5"):
        return "a Keras archive"
    return "a zip archive of another kind"
