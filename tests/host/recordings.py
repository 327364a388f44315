"""Made-up sessions for tests of recordings: a device, what it says, and how to write that down."""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from host.following import Away, Back, Batch, Item, Lost, Pong, Told
from host.recording import About, Recorder
from host.session import Device
from protocol import compat, layout, wire

SAME = compat.Compatibility(compat.SAME, "", "")
DEVICE = Device("0001020304050607", "9.8.7", True, 77, SAME, 0.001, 3008, 800.0, 30.0, 8)
SETTINGS = {"hold_s": 600, "cell_zero_raw": 32_768}
ABOUT = About(DEVICE, SETTINGS, "Ann Lee", 80.0, "turf", 0.33, "50%bw")


class Clock:
    """A host clock that goes on by a millisecond whenever it is looked at."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        self.now_s += 0.001
        return self.now_s


def sample(rng: random.Random) -> tuple[int, ...]:
    """One drawn sample in wire units."""
    return (
        rng.randrange(-(2**29), 2**29),
        rng.randrange(-9000, 9000),
        rng.randrange(-8000, 8000),
        rng.randrange(8000),
        rng.randrange(8000),
        rng.randrange(2**15) & ~0b1110 | rng.randrange(5) << 1,
    )


def samples(count: int, seed: int = 1) -> wire.Samples:
    """Drawn samples of consecutive ticks."""
    from struct import pack

    rng = random.Random(seed)
    return wire.Samples(b"".join(pack(layout.SAMPLE_FORMAT, *sample(rng)) for _ in range(count)))


def batch(index: int, count: int = 16, boot_id: int = 77) -> Batch:
    """A batch whose samples are drawn by its index."""
    return Batch(boot_id, index, samples(count, index))


def fields_of(message: str, rng: random.Random) -> dict[str, Any]:
    """Drawn fields of a message, each within what its type can hold."""
    import re
    import struct

    _, _, format_, paths = layout.MESSAGES[message]
    found: dict[str, Any] = {}
    for code, path in zip(re.findall(r"\d*[a-zA-Z]", format_), paths, strict=True):
        size = struct.calcsize("<" + code)
        (value,) = struct.unpack("<" + code, rng.randbytes(size))
        group, dot, name = path.rpartition(".")
        (found.setdefault(group, {}) if dot else found)[name] = value
    return found


def status(seed: int = 1, **changes: Any) -> dict[str, Any]:
    """A drawn STATUS."""
    return {**fields_of("STATUS", random.Random(seed)), "mode": 1, **changes}


def write(folder: Path, items: Iterable[Item], about: About = ABOUT, close: bool = True) -> Recorder:
    """A recording of these items; without `close` as it is while it goes on."""
    recorder = Recorder(str(folder), about, Clock())
    for item in items:
        recorder.take(item)
    if close:
        recorder.close()
    return recorder


@st.composite
def sessions(draw: st.DrawFn) -> list[Item]:
    """What may happen in one session: samples, losses, messages, the link going and coming, restarts."""
    boot_id, index, now_s = 77, draw(st.integers(0, 5000)), 101.0
    items: list[Item] = []
    kinds = st.sampled_from(["batch", "batch", "batch", "lost", "pong", "status", "fault", "away", "restart"])
    for kind in draw(st.lists(kinds, max_size=40)):
        now_s += 0.016
        if kind == "batch":
            count = draw(st.integers(1, 17))
            items.append(Batch(boot_id, index, samples(count, draw(st.integers(0, 99)))))
            index += count
        elif kind == "lost":
            count = draw(st.sampled_from([1, 16, 3000, 65_535, 65_536, 200_000]))
            items.append(Lost(index, count))
            index += count
        elif kind == "pong":
            items.append(Pong(now_s - 0.002, now_s, boot_id, index, draw(st.integers(0, 999)) / 1e6))
        elif kind in ("status", "fault"):
            seed = random.Random(draw(st.integers(0, 99)))
            items.append(Told(now_s, wire.Received(kind.upper(), fields_of(kind.upper(), seed))))
        else:
            is_restart = kind == "restart"
            boot_id += is_restart
            index = draw(st.integers(0, 50)) if is_restart else index
            device = DEVICE._replace(boot_id=boot_id)
            items.append(Away(now_s, "unplugged"))
            items.append(Back(now_s + 1.5, 1.5, "port", device, is_restart, status(boot_id)))
    return items


def by_boot(items: Sequence[Item]) -> dict[int, dict[int, tuple[int, ...] | None]]:
    """Every index of every boot that had any: its sample, or None where it was declared lost."""
    found: dict[int, dict[int, tuple[int, ...] | None]] = {}
    boot_id = DEVICE.boot_id
    for item in items:
        if isinstance(item, Back):
            boot_id = item.device.boot_id
        elif isinstance(item, Batch):
            found.setdefault(boot_id, {}).update(enumerate(item.samples, item.sample_index))
        elif isinstance(item, Lost):
            span = range(item.sample_index, item.sample_index + item.sample_count)
            found.setdefault(boot_id, {}).update(dict.fromkeys(span))
    return found
