"""From any state that a board can be in to running firmware: says what it sees, what to do, does its part.

Nothing can be asked of a board whose program neither answers nor listens to Ctrl-C. But `boot.py` listens for
a second after power-on: so somebody plugs it in anew, and Ctrl-C is sent as soon as its port is there.
"""

import time
from pathlib import Path

from host.errors import NoAnswer, NoDevice
from host.flashing import finding
from host.flashing.finding import Seen
from host.flashing.installing import Outcome, install
from host.flashing.showing import Lines
from host.flashing.waking import start_micropython
from protocol import compat

_RETRY_s = 0.1
_NONE = "none"  # no board at all

_ADVICE = {
    finding.SILENT: "unplug it and plug it in again: Ctrl-C is sent while it starts",
    finding.FIRMWARE: "unplug it and plug it in again: Ctrl-C is sent while it starts",
    finding.GONE: "plug it in; if its port does not come, hold BOOTSEL on the board while plugging it in",
    _NONE: "plug the board in; if this goes on, hold BOOTSEL on it while plugging it in, "
    "or try another cable (many carry no data)",
}


def recover(
    port: str | None, folder: Path, image: Path | None, show: Lines, patience_s: float
) -> Outcome | Seen:
    """The outcome of a flash, or the board as it was seen if its firmware answers as it should.

    Waits up to `patience_s` for whoever plugs it in. Raises HostError with the next step for people.
    """
    until = time.monotonic() + patience_s
    state = ""
    while True:
        # The first look disturbs nothing; then whoever waits for the port wants to be first with Ctrl-C.
        seen = _one(port, is_eager=bool(state))
        now = seen.state if seen is not None else _NONE
        if seen is not None:
            if now == finding.DRIVE:
                show.step(f"{seen.place}: {finding.words(seen)}")
                place = start_micropython(seen, image, show, patience_s)
                return install(place, folder, show, patience_s)
            if now == finding.PROMPT:
                show.step(f"{seen.place}: {finding.words(seen)}")
                return install(seen.place, folder, show, patience_s)
            if seen.device is not None and seen.device.compatibility.verdict != compat.OTHER_MAJOR:
                return seen
            if now in (finding.FORBIDDEN, finding.BUSY) and seen.problem is not None:
                raise seen.problem
        if now != state:
            state = now
            what = f"{seen.place}: {finding.words(seen)}" if seen is not None else "no board is here"
            show.step(f"{what}; {_ADVICE[now]}")
        if time.monotonic() > until:
            raise _unmended(state, port, patience_s)
        time.sleep(_RETRY_s)


def _one(port: str | None, is_eager: bool) -> Seen | None:
    """The one board there is, if any. Raises NoDevice for several."""
    if port is not None:
        return finding.look(port, is_eager)[0]
    seen = finding.look(None, is_eager)
    return finding.the_only_of(seen) if seen else None


def _unmended(state: str, port: str | None, patience_s: float) -> NoAnswer | NoDevice:
    if state in (_NONE, finding.GONE):
        return NoDevice(
            f"no board has come for {patience_s:g} s",
            "another cable, another USB port; then: host recover, and hold BOOTSEL while plugging in",
        )
    return NoAnswer(
        f"the board at {port or 'its port'} has not given its prompt for {patience_s:g} s",
        "hold BOOTSEL while plugging it in, then: host recover --micropython RPI_PICO-...uf2",
    )
