"""What a step of a recipe is: a kind, its keys, and a pure function from one state to the next."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NoReturn

import numpy as np
from numpy.typing import NDArray

from edgekit.compress.compression import Compression, with_constants
from edgekit.compress.edits import Edit
from edgekit.errors import EdgekitError
from edgekit.graph import Graph, Value, limits
from edgekit.quantize import Quantization, Settings
from edgekit.quantize.prepare import own_constants
from edgekit.validate.data import Samples

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class State:
    """A canonical graph on its way: `compression.applied` of the first graph is `graph`.

    settings: how numbers are chosen in the end. decided: the numbers themselves, where training chose
    them. notes: what a user should know about what the steps did, in sentences.
    """

    graph: Graph
    compression: Compression = field(default_factory=Compression)
    settings: Settings = Settings()
    decided: Quantization | None = None
    notes: tuple[str, ...] = ()

    @staticmethod
    def of(graph: Graph, settings: Settings = Settings()) -> State:
        """The state before the first step. Every layer has constants of its own from here on."""
        return State(own_constants(graph), Compression(), settings)

    def with_data(self, data: Mapping[str, Array]) -> State:
        """New constants, by tensor of `graph`, of their shapes; real ones become float32."""
        fitting = {n: np.asarray(x, self.graph.values[n].dtype) for n, x in data.items()}
        graph = with_constants(self.graph, fitting)
        merged = {**self.compression.data, **fitting}
        compression = replace(self.compression, data=merged)
        return replace(self, graph=graph, compression=compression, decided=None)

    def with_real(self, data: Mapping[str, Array]) -> State:
        """`with_data` of real values, which become the nearest numbers of quantized constants."""
        return self.with_data({n: _numbers(self.graph.values[n], x) for n, x in data.items()})

    def with_edit(self, edit: Edit) -> State:
        """Another structure; constants of what is gone are forgotten."""
        graph = edit.applied(self.graph)
        data = {n: x for n, x in self.compression.data.items() if n in graph.values}
        edits = (*self.compression.edits, edit)
        return replace(
            self, graph=graph, decided=None,
            compression=replace(self.compression, edits=edits, data=data),
        )  # fmt: skip

    def noting(self, *notes: str) -> State:
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True, eq=False)
class Context:
    """What steps may look at beside the graph: samples of its inputs.

    calibration: typical inputs, never those of the test. train: inputs with labels `y`, or None.
    source: the model as it was imported. original: its canonical graph before any step. seed: of everything
    drawn.
    """

    calibration: Samples | None = None
    train: Samples | None = None
    source: Graph | None = None
    original: Graph | None = None
    seed: int = 0
    progress: Callable[[str], None] = field(default=lambda stage: None)

    def need_calibration(self, kind: str) -> Samples:
        """Raises EK001 where there is none."""
        if self.calibration is None:
            raise EdgekitError(
                "EK001", "a step of the recipe needs calibration data", where=f"step {kind}",
                found="none", help="give --calibration DATA.npz (x: some tens of typical inputs)",
            )  # fmt: skip
        return self.calibration


def held_back(samples: Samples, share: float, seed: int) -> tuple[Samples, Samples | None]:
    """The samples without a share of them, drawn by the seed, and that share; None for nothing."""
    count = round(share * len(samples))
    if not count:
        return samples, None
    order = np.random.default_rng(seed).permutation(len(samples))
    return samples.pick(order[count:]), samples.pick(order[:count])


class Step:
    """Base of all steps: a frozen dataclass whose fields are the keys of its table.

    Defining a subclass with a `kind` registers it; each stands in a file of `edgekit/compress/steps`.
    """

    kind: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        if cls.kind:
            if cls.kind in STEPS:
                raise TypeError(f"step {cls.kind} is defined twice")
            STEPS[cls.kind] = cls

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Step:
        """The step with these keys, whose types have been checked."""
        return cls(**values)

    @classmethod
    def hints(cls) -> Mapping[str, Any]:
        """The keys, each with the type of its value as `recipe.fits` reads it."""
        import typing

        known = typing.get_type_hints(cls)
        return {f.name: known[f.name] for f in dataclasses.fields(cls)}  # type: ignore[arg-type]

    def table(self) -> dict[str, Any]:
        """The step as its TOML table, with every key that has a value."""
        values = dataclasses.asdict(self).items()  # type: ignore[call-overload]
        given = {key: list(x) if isinstance(x, tuple) else x for key, x in values if x is not None}
        return {"kind": self.kind, **given}

    def run(self, state: State, context: Context) -> State:
        """The state after the step; changes nothing else, and the same arguments give the same one.

        Raises EdgekitError where the graph or the data is not what it needs.
        """
        raise NotImplementedError

    def control(self) -> Step | None:
        """What stands in its place in the control row: the same effort without the step's choices.
        None where the control does without it."""
        return self

    def wrong(self, key: str, wanted: str) -> NoReturn:
        """Raises EK003 for the value of a key."""
        raise EdgekitError(
            "EK003", "a value of the recipe is out of its range", where=f"step {self.kind}, {key}",
            found=f"{getattr(self, key)!r}, wanted {wanted}", help="see docs/COMPRESSION.md",
        )  # fmt: skip


def _numbers(value: Value, real: Array) -> Array:
    """Real values as a constant holds them; weights of int8 stay within -127..127."""
    if value.quant is None:
        return real if value.dtype.startswith("float") else np.rint(real)
    shape = [1] * real.ndim
    if value.quant.axis is not None:
        shape[value.quant.axis] = -1
    scale, zero = (np.array(x).reshape(shape) for x in (value.quant.scale, value.quant.zero_point))
    low, high = limits(value.dtype)
    return np.asarray(np.clip(np.rint(real / scale) + zero, low + (value.dtype == "int8"), high))


STEPS: dict[str, type[Step]] = {}
