"""Stand-ins that let CPython run the firmware's files: compile-time words of MicroPython as identities.

Never copied to the device.
"""

from typing import Any


def const(value: int) -> int:
    """MicroPython folds `const(...)` at compile time; here it is the value itself."""
    return value


class micropython:  # noqa: N801 - stands for the module of that name
    @staticmethod
    def viper(function: Any) -> Any:
        """Viper compiles to machine code on the chip; here the function stays as it is."""
        return function


ptr8 = ptr16 = ptr32 = Any
