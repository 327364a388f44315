"""A board in its boot ROM gets MicroPython, and is waited for until its port is there."""

import time
from pathlib import Path

from host.errors import NoAnswer
from host.flashing import drives, finding
from host.flashing.showing import Lines

_RETRY_s = 0.5


def start_micropython(seen: finding.Seen, image: Path | None, show: Lines, patience_s: float) -> str:
    """Copy the UF2 onto the drive; returns the port at which MicroPython then answers. Raises HostError."""
    assert seen.drive is not None
    drives.refuse_other_chip(seen.drive.chip)
    if image is None:
        raise drives.without_image(seen.drive)
    show.step(f"{seen.place}: copying {image.name}")
    drives.put_micropython(seen.drive, image)
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        ready = [each for each in finding.look(None) if each.state in (finding.PROMPT, finding.FIRMWARE)]
        if len(ready) == 1:
            return ready[0].place
        time.sleep(_RETRY_s)
    raise NoAnswer(
        f"MicroPython was copied, but no board has answered at a port for {patience_s:g} s",
        "unplug it, plug it in, then: host flash",
    )
