"""The parameters of a layer as a C struct of constants."""

from __future__ import annotations

from edgekit.emit.constants import Pool
from edgekit.op import params_fields
from edgekit.program import Step


def params_struct(prefix: str, index: int, step: Step, pool: Pool) -> list[str]:
    """The definition of ``<prefix>_p<index>``, and an empty line."""
    fields = [f"    .{name} = {value}," for name, value in scalars(step)]
    for const in step.kernel.consts:
        fields.append(f"    .{const.name} = {pool.symbols[step.name, const.name]},")
    return [f"static const ek_{step.kernel.name}_params {prefix}_p{index} = {{", *fields, "};", ""]


def scalars(step: Step) -> list[tuple[str, str]]:
    """The numbers in a layer's struct, as (field, initializer in C)."""
    fields = []
    for f in params_fields(step.kernel.params):
        value = getattr(step.packed.params, f.name)
        text = "{" + ", ".join(map(str, value)) + "}" if f.metadata["length"] else str(value)
        fields.append((f.name, text))
    return fields
