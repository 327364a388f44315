"""Integers that refuse to leave 31 bits, to find on CPython what only the chip would get wrong.

CPython and unix MicroPython do not wrap; the chip's registers do, and a larger number in its
bytecode allocates. So every result of the tick, stored or not, has to stay a small integer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SMALLEST = -(2**30)
LARGEST = 2**30 - 1


class OutOfRange(ArithmeticError):
    """A result that MicroPython's 31-bit small integer cannot hold."""


def checked(value: int) -> Checked:
    """`value` as a checked integer. Raises OutOfRange."""
    if not SMALLEST <= value <= LARGEST:
        raise OutOfRange(f"{value} leaves 31 bits")
    return Checked(value)


class Checked(int):
    """An int whose every result is checked; with a plain int on either side."""


def _checking(plain: Callable[..., Any], name: str) -> Callable[..., Any]:
    def operation(self: Checked, *others: int) -> Checked:
        result = plain(self, *others)
        try:
            return checked(result)
        except OutOfRange as found:
            numbers = ", ".join(str(int(number)) for number in (self, *others))
            raise OutOfRange(f"{name}({numbers}): {found}") from None

    return operation


for _name in ("add", "sub", "mul", "floordiv", "mod", "lshift", "rshift", "and", "or", "xor"):
    for _method in (f"__{_name}__", f"__r{_name}__"):
        setattr(Checked, _method, _checking(getattr(int, _method), _method))
for _method in ("__neg__", "__invert__", "__abs__"):
    setattr(Checked, _method, _checking(getattr(int, _method), _method))


class CheckedWords(list[int]):
    """A state block of checked integers: what is stored is checked too."""

    def __init__(self, words: int) -> None:
        super().__init__([Checked(0)] * words)

    def __setitem__(self, word: Any, value: Any) -> None:
        super().__setitem__(word, checked(value))
