"""The worst-case stack of a linked function, from its machine code.

Every function is walked along all of its branches with the depth of the stack in hand; a call
carries the depth it is made at. The bound of a function is its own deepest point or, over its calls,
depth plus the callee's bound. Library helpers are code like any other. Exception frames are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgekit.emit.disassembly import Function, Instruction, disassemble, machine_of, open_elf
from edgekit.emit.frames import CALL, INDIRECT, JUMP, MACHINES, TABLE, Effect, written
from edgekit.errors import EdgekitError

_DEEPEST = 1 << 24  # a walk that passes this is a loop that pushes


@dataclass(frozen=True)
class StackBound:
    """`bytes` of stack at most; `path`: the deepest chain of calls, (function, depth at its call)."""

    bytes: int
    path: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class _Frame:
    """A function by itself: its deepest point, and the deepest call of each callee (by address)."""

    depth: int
    calls: Mapping[int, int]


def stack_bound(elf: Path, roots: Sequence[str]) -> StackBound:
    """The bound over the named entry points.

    Raises EK401 for recursion, for calls through pointers, and for frames whose size depends on
    data, naming the chain of functions.
    """
    with open_elf(elf) as image:
        functions = {f.address: f for f in disassemble(image)}
        analysis = _Analysis(functions, machine_of(image))
    by_name = {f.name: f for f in functions.values()}
    return max((analysis.bound(by_name[root], ()) for root in roots), key=lambda b: b.bytes)


class _Analysis:
    def __init__(self, functions: Mapping[int, Function], machine: str) -> None:
        self.functions = functions
        self.effect, self.pushed, self.red_zone = MACHINES[machine]
        self.bounds: dict[int, StackBound] = {}

    def bound(self, function: Function, chain: tuple[str, ...]) -> StackBound:
        if function.name in chain:
            raise _refuse("a function calls itself", (*chain, function.name))
        chain = (*chain, function.name)
        if function.address not in self.bounds:
            frame = self._frame(function, chain)
            best = StackBound(frame.depth, ((function.name, frame.depth),))
            for target, depth in frame.calls.items():
                callee = self.bound(self._function(target, chain), chain)
                if depth + callee.bytes > best.bytes:
                    best = StackBound(depth + callee.bytes, ((function.name, depth), *callee.path))
            self.bounds[function.address] = best
        return self.bounds[function.address]

    def _function(self, address: int, chain: tuple[str, ...]) -> Function:
        if address in self.functions:
            return self.functions[address]
        # A second entry of a library helper, as libgcc's remainder has one behind its test for 0.
        for function in self.functions.values():
            rest = tuple(i for i in function.instructions if i.address >= address)
            if rest and function.address < address == rest[0].address:
                return replace(
                    function, name=f"{function.name}+", address=address, instructions=rest
                )
        raise _refuse(f"a call leads to {address:#x}, which is no function", chain)

    def _switches(self, address: int) -> bool:
        """libgcc's helper for switches on Armv6-M: it returns into one of the cases."""
        return address in self.functions and self.functions[address].name.startswith(
            "__gnu_thumb1_case"
        )

    def _frame(self, function: Function, chain: tuple[str, ...]) -> _Frame:
        """Walk all branches; where two meet, the deeper stack goes on."""
        code = {i.address: i for i in function.instructions}
        before = dict(zip(list(code)[1:], function.instructions, strict=False))
        seen: dict[int, int] = {}
        calls: dict[int, int] = {}
        # held: registers with a known depth (frame pointers); sure: not only behind a jump table
        work = [(function.address, self.pushed, dict[str, int](), True)]
        while work:
            address, depth, held, sure = work.pop()
            if seen.get(address, -1) >= depth or (not sure and address not in code):
                continue
            if address not in code:
                raise _refuse(f"control reaches {address:#x}, which is no instruction", chain)
            if depth > _DEEPEST:
                raise _refuse("a loop makes the stack grow", chain)
            seen[address] = depth
            instruction = code[address]
            effect = self.effect(instruction, before.get(address))
            if effect.flow == CALL and self._switches(effect.target):
                calls[effect.target] = max(calls.get(effect.target, 0), depth)
                effect = Effect(TABLE, falls=False)
            if effect.flow == CALL and function.address < effect.target < function.end:
                effect = Effect(JUMP, effect.target, falls=False)  # Armv6-M's only far jump
            if effect.flow == INDIRECT:
                raise _refuse("a function is called through a pointer", chain)
            after, held = self._apply(effect, instruction, depth, held, chain)
            sure = sure and effect.flow != TABLE
            following = self._next(function, instruction, effect, seen, code)
            work += [(a, after, held, sure) for a in following]
            inside = function.address < effect.target < function.end
            leaves = effect.flow == JUMP and not inside and effect.target != function.address
            if leaves or effect.flow == CALL:
                # A tail jump leaves the return address, which the callee's bound counts again.
                at = after - self.pushed if leaves else after
                calls[effect.target] = max(calls.get(effect.target, 0), at)
        deepest = max(seen.values(), default=self.pushed)
        return _Frame(deepest if calls else deepest + self.red_zone, calls)

    def _apply(
        self,
        effect: Effect,
        instruction: Instruction,
        depth: int,
        held: dict[str, int],
        chain: tuple[str, ...],
    ) -> tuple[int, dict[str, int]]:
        """Depth and held registers behind an instruction."""
        if effect.grow is None or (effect.takes and effect.takes not in held):
            raise _refuse("the size of a stack frame depends on data", chain)
        if effect.takes:
            return held[effect.takes] + effect.offset, held
        if effect.sets:
            held = held | {effect.sets: depth + effect.offset}
        elif written(instruction) in held:
            held = {r: d for r, d in held.items() if r != written(instruction)}
        return depth + effect.grow, held

    def _next(
        self,
        function: Function,
        instruction: Instruction,
        effect: Effect,
        seen: Mapping[int, int],
        code: Mapping[int, Instruction],
    ) -> list[int]:
        """Addresses inside the function that may follow."""
        following = [instruction.address + instruction.size] if effect.falls else []
        inside = function.address < effect.target < function.end
        if inside or (effect.flow == JUMP and effect.target == function.address):
            following.append(effect.target)
        if effect.flow == TABLE:
            # A switch: its cases are code that nothing else leads to; all are taken to follow.
            following += [address for address in code if address not in seen]
        return following


def _refuse(message: str, chain: tuple[str, ...]) -> EdgekitError:
    return EdgekitError(
        "EK401", f"the stack has no bound: {message}", where=" -> ".join(chain),
        help="report this as a bug with the model; a custom kernel must not do this",
    )  # fmt: skip
