"""The command `host`, unchanged, on a clock that goes as slowly as the emulated chip.

The emulator runs at about 2 % of real time, so an answer that a board gives in 6 ms takes 0.3 s and
more; the host waits for one second. Arguments: those of `host`.
"""

import sys
import time

_SLOWER = 50
_real = time.monotonic


@staticmethod  # pyserial makes it an attribute of a class
def _slow() -> float:
    return _real() / _SLOWER


time.monotonic = _slow  # type: ignore[assignment]

from host.cli import main  # noqa: E402 - whoever reads the clock must find the slow one

if __name__ == "__main__":
    sys.argv[0] = "host"
    main()
