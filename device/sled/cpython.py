"""Stand-ins that let CPython run the firmware's files: compile-time words of MicroPython as identities.

Never copied to the device.
"""

from collections.abc import MutableSequence
from typing import Any, TypeAlias, TypeVar

_Value = TypeVar("_Value", int, float, str, bytes, tuple[Any, ...])


def const(value: _Value) -> _Value:
    """MicroPython folds `const(...)` at compile time; here it is the value itself."""
    return value


class micropython:
    @staticmethod
    def viper(function: Any) -> Any:
        """Viper compiles to machine code on the chip; here the function stays as it is."""
        return function


#: Pointers to memory on the chip; here any array of integers is read and written as it is.
ptr8: TypeAlias = MutableSequence[int]
ptr16: TypeAlias = MutableSequence[int]
ptr32: TypeAlias = MutableSequence[int]
