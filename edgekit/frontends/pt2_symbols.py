"""Symbolic sizes of a `.pt2` program: which symbols there are, what they are bound to, sums of them.

torch names dynamic dimensions `s77` and writes sizes as expressions of them, as sympy prints them:
`Mul(Integer(4), Symbol('s77', positive=True, integer=True))`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping

from edgekit.errors import EdgekitError
from edgekit.frontends.json_reader import Item

_MAX_TEXT = 2000
_MAX_EXPONENT = 8


def _power(base: int, exponent: int) -> int:
    if not 0 <= exponent <= _MAX_EXPONENT:
        raise ValueError
    return int(base**exponent)


_FUNCTIONS: dict[str, Callable[..., int]] = {
    "Add": lambda *terms: sum(terms),
    "Mul": lambda *factors: math.prod(factors),
    "FloorDiv": lambda a, b: a // b,
    "CleanDiv": lambda a, b: a // b,
    "CeilDiv": lambda a, b: -(-a // b),
    "Mod": lambda a, b: a % b,
    "PythonMod": lambda a, b: a % b,
    "Pow": _power,
    "Max": max,
    "Min": min,
}
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}


class Symbols:
    """Bindings of the symbols; resolves sizes to integers."""

    def __init__(self, dims: Mapping[str, int]) -> None:
        self.bound: dict[str, int] = {}
        self._dims = dims
        self._met: set[str] = set()

    def bind(self, size: Item, leading: bool) -> None:
        """Bind what one size of an input is made of: to `dims`, or to 1 where it is the batch."""
        tree = _tree(size)
        for name in _names(tree) if tree else ():
            self._met.add(name)
            if name in self._dims:
                self.bound[name] = self._dims[name]
            elif leading and isinstance(tree, ast.Name):
                self.bound.setdefault(name, 1)

    def check(self, constraints: Item) -> None:
        """Raises EK001 for a given name that the inputs do not have or a size below 1, EK104 for a
        size outside the range that the program was exported for."""
        for name, value in self._dims.items():
            if name not in self._met or value < 1:
                known = ", ".join(sorted(self._met)) or "no symbolic dimensions"
                raise EdgekitError(
                    "EK001", "a dimension cannot be bound", where=f"--dim {name}={value}",
                    found=f"{name}={value}, the inputs have {known}",
                    help="name a symbolic dimension of the model's inputs and a size of at least 1",
                )  # fmt: skip
            limits = constraints.get(name)
            low = limits.get("min_val") if limits else None
            high = limits.get("max_val") if limits else None
            first, last = (low.integer() if low else 1, high.integer() if high else 2**31)
            if not first <= value <= last:
                raise EdgekitError(
                    "EK104", "a dimension is outside the range it was exported for",
                    where=f"--dim {name}={value}", found=f"{value}, wanted {first} to {last}",
                    help="choose another size, or export the model with other dynamic_shapes",
                )  # fmt: skip

    def size(self, item: Item) -> int:
        """The integer that a size stands for. Raises EK104 where it is not bound, EK105 where it is
        no size."""
        tree = _tree(item)
        if tree is None:
            return item["as_int"].integer()
        for name in sorted(_names(tree)):
            if name not in self.bound:
                raise EdgekitError(
                    "EK104", "a dimension is not known", where=item.where,
                    found=f"dimension {name}, wanted a fixed size",
                    help=f"give it a size (--dim {name}=N), or export the model without dynamic_shapes for it",
                )  # fmt: skip
        try:
            return self._evaluate(tree)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            raise _damaged(item, ast.unparse(tree)) from None

    def _evaluate(self, tree: ast.expr) -> int:
        """Every step stays within 64 bits, so that powers of powers do not take for ever."""
        match tree:
            case ast.Constant(value=int(constant)):
                value = constant
            case ast.Name(id=name):
                value = self.bound[name]
            case ast.Call(func=ast.Name(id=name), args=arguments):
                value = _FUNCTIONS[name](*map(self._evaluate, arguments))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                value = -self._evaluate(operand)
            case ast.BinOp(left=left, op=op, right=right):
                value = _OPERATORS[type(op)](self._evaluate(left), self._evaluate(right))
            case _:
                raise ValueError
        if not -(2**63) <= value < 2**63:
            raise ValueError
        return value


def _tree(size: Item) -> ast.expr | None:
    """The expression of a symbolic size, `Symbol` and `Integer` already names and constants; None
    for a fixed size."""
    expression = size.get("as_expr")
    if expression is None:
        return None
    text = expression["expr_str"].text()
    try:
        if len(text) > _MAX_TEXT:
            raise ValueError
        tree: ast.expr = _Plain().visit(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _damaged(size, text[:80]) from None
    return tree


class _Plain(ast.NodeTransformer):
    def visit_Call(self, node: ast.Call) -> ast.expr:
        if not isinstance(node.func, ast.Name):
            raise ValueError
        if node.func.id not in ("Symbol", "Integer"):
            node.args = [self.visit(argument) for argument in node.args]
            return node
        kind = str if node.func.id == "Symbol" else int
        match node.args:
            case [ast.Constant(value=value)] if isinstance(value, kind):
                plain = ast.Name(value) if isinstance(value, str) else ast.Constant(value)
                return ast.copy_location(plain, node)
            case [ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(value)))]:
                return ast.copy_location(ast.Constant(-value), node)
        raise ValueError


def _names(tree: ast.expr) -> set[str]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called
    }


def _damaged(item: Item, found: str) -> EdgekitError:
    return EdgekitError(
        "EK105", "a size cannot be computed", where=item.where,
        found=f"{found}, wanted sums and products of integers and dimensions",
        help="export the model again with fixed input shapes",
    )  # fmt: skip
