"""Every error a user can meet: a stable code, what, where, found against wanted, what to do."""

from __future__ import annotations

from typing import Any

# code -> title; the first digit names the class and, through _EXIT, the exit code.
CODES: dict[str, str] = {
    "EK001": "wrong usage",
    "EK002": "invalid target description",
    "EK003": "invalid configuration",
    "EK004": "invalid data file",
    "EK005": "invalid bundle",
    "EK006": "invalid cost file",
    "EK007": "broken plug-in",
    "EK101": "malformed model file",
    "EK102": "not a model file of this kind",
    "EK103": "model file too large",
    "EK104": "dynamic shape",
    "EK105": "inconsistent model",
    "EK106": "activations too large",
    "EK107": "unsupported version of the operator set",
    "EK108": "external data refused",
    "EK109": "module cannot be exported",
    "EK201": "unsupported operator",
    "EK202": "operator used outside its supported limits",
    "EK203": "model is not integer-only",
    "EK204": "input cannot be fed row by row",
    "EK205": "preprocessing does not fit the model",
    "EK301": "invalid quantization parameters",
    "EK302": "accumulator could overflow",
    "EK303": "multiplier out of range",
    "EK304": "weight is not a finite number",
    "EK401": "stack is not bounded",
    "EK402": "memory plan is inconsistent",
    "EK501": "compiler not found",
    "EK502": "compiler failed",
    "EK503": "emulator not found",
    "EK504": "optional package not installed",
    "EK505": "reference interpreter failed",
    "EK601": "device does not answer",
    "EK602": "device protocol violated",
    "EK603": "execution fault",
    "EK901": "internal error",
}

_EXIT = {"0": 2, "1": 3, "2": 3, "3": 3, "4": 1, "5": 4, "6": 5, "9": 70}


class EdgekitError(Exception):
    """An error with the four parts the product promises.

    Attributes:
        code: a key of `CODES`.
        message: what is wrong, one sentence.
        where: file, node, tensor or key it was found at.
        found: found against wanted, e.g. ``"stride 0, wanted 1 to 255"``.
        help: what the user can do about it.
    """

    def __init__(
        self, code: str, message: str, *, where: str = "", found: str = "", help: str = ""
    ) -> None:
        assert code in CODES, code
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.where = where
        self.found = found
        self.help = help

    @property
    def exit_code(self) -> int:
        return _EXIT[self.code[2]]

    def to_json(self) -> dict[str, Any]:
        """The contract's ``error`` object."""
        return {
            "code": self.code,
            "message": self.message,
            "where": self.where,
            "found": self.found,
            "help": self.help,
        }

    def lines(self) -> list[str]:
        """The four-part text form, one part a line; empty parts are left out."""
        parts = [f"error {self.code}: {self.message}"]
        for label, text in (("where", self.where), ("found", self.found), ("help", self.help)):
            if text:
                parts.append(f"  {label:<6}{text}".replace("\n", "\n" + " " * 8))
        return parts
