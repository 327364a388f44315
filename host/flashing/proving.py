"""After a reset: wait for the board, wherever it comes back, and for the firmware to prove itself."""

import time
from collections.abc import Iterator

from host.errors import HostError, NoAnswer, VersionMismatch
from host.session import Device, Session
from host.transport import open_port

_PROBE_s, _PROBE_MAX_s = 0.5, 16.0
_RETRY_s = 0.1
_LOOK_s = 0.5  # whether it has proved itself


def proved(port: str, unique_id: str, build_id: int, patience_s: float) -> Device:
    """The board once it runs that build, and the build has confirmed itself.

    Raises VersionMismatch if another one runs, NoAnswer if none does in time, or it stays on trial.
    """
    until = time.monotonic() + patience_s
    device: Device | None = None
    reason = ""
    probe_s = _PROBE_s
    while time.monotonic() < until:
        try:
            for device in _answers(port, unique_id, probe_s, until):
                if device.build_id != build_id:
                    raise _other(device, build_id)
                if not device.is_on_trial:
                    return device
        except VersionMismatch:
            raise
        except HostError as error:
            reason = error.sentence
            # A slow board has to answer each HELLO in the end: ask it ever less often.
            probe_s = min(2 * probe_s, _PROBE_MAX_s) if isinstance(error, NoAnswer) else _PROBE_s
        time.sleep(_RETRY_s)
    if device is None:
        raise NoAnswer(
            f"the firmware was copied, but nothing answered HELLO at {port} for {patience_s:g} s ({reason})",
            f"host --port {port} recover",
        )
    raise NoAnswer(
        f"build {build_id:08x} answers, but has not proved itself within {patience_s:g} s; until it has, "
        "each restart counts, and the third one falls back",
        "leave the sled idle, and look again: host ports",
    )


def _answers(port: str, unique_id: str, probe_s: float, until: float) -> Iterator[Device]:
    """What the board says of itself, again and again. Raises HostError when it does not answer (any more)."""
    session = _find(port, unique_id, probe_s)
    with session:
        while time.monotonic() < until:
            assert session.device is not None
            yield session.device
            time.sleep(_LOOK_s)
            session.hello(any_version=True)


def _find(port: str, unique_id: str, probe_s: float) -> Session:
    """A session with that very board, at its port or where USB has brought it back."""
    from host.ports import candidates

    names = [port, *(name for found in candidates() if not found.unique_id for name in found.ports)]
    reason: HostError | None = None
    for name in dict.fromkeys(names):
        try:
            session = Session(open_port(name), name)
        except HostError as error:
            reason = reason or error
            continue
        try:
            if session.hello(probe_s, any_version=True).unique_id == unique_id:
                return session
        except HostError as error:
            reason = reason or error
        session.close()
    raise reason or NoAnswer(f"another board is at {port}", "host ports")


def _other(device: Device, build_id: int) -> VersionMismatch:
    runs = (
        f"firmware {device.firmware}, which knows of no builds"
        if device.build_id is None
        else f"build {device.build_id:08x} in slot {device.slot}"
    )
    return VersionMismatch(
        f"the board does not run the new build {build_id:08x} but {runs}: the new one did not start, "
        "and the board fell back by itself",
        "host ports",
    )
