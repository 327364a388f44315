"""The stimulus on the emulated chip: what is put on its flash, and its answers read back."""

import statistics
from array import array
from functools import cache
from pathlib import Path
from typing import NamedTuple

from host.flashing.build import MANIFEST, Build, build_for
from tests.chip import emulator
from tests.runtimes import stage
from tests.runtimes.stimulus import CHECK_EVERY_TICKS, Golden, read_stimulus

HERE = Path(__file__).parent
REAL_WINDOW = b"RESCUE_ms = 1000\n"
CLOCK_Hz = 125_000_000
_PART_WORDS = 3_000


class Cost(NamedTuple):
    """Cycles of one tick on the emulated chip, the bare call taken off."""

    minimum: int
    median: int
    percentile_99: int
    maximum: int

    @staticmethod
    def us(cycles: int) -> float:
        """Cycles as microseconds at the Pico's 125 MHz."""
        return cycles * 1e6 / CLOCK_Hz


class Load(NamedTuple):
    """Ticks in their interrupt, under one main program."""

    cycles: list[int]  #: of each tick, sorted, the bare call taken off
    periods_us: list[int]  #: between two ticks, sorted


class ChipReplay(NamedTuple):
    checks: list[Golden]
    state: array  # type: ignore[type-arg]
    ring_crc: int
    cost: Cost


def parts(stimulus: array) -> list[array]:  # type: ignore[type-arg]
    """The stimulus in pieces of whole ticks that fit into the chip's memory."""
    pieces = []
    start = at = 0
    while at < len(stimulus):
        at += 1 + 2 * stimulus[at]
        if at - start >= _PART_WORDS or at == len(stimulus):
            pieces.append(stimulus[start:at])
            start = at
    return pieces


def firmware_files(folder: Path) -> dict[str, bytes]:
    """The firmware's portable modules and the replay, compiled for the chip."""
    package = stage.stage(folder, viper=True)
    compat = emulator.image().compat
    return {f"sled/{path.stem}.mpy": emulator.compiled(path, compat) for path in sorted(package.glob("*.py"))}


@cache
def built() -> Build:
    """The firmware as `host flash` makes it for the chip's MicroPython."""
    return build_for(emulator.image().mpy, stage.FIRMWARE.parent)


def in_slot(slot: str, build: Build) -> dict[str, bytes]:
    """A build's files as they lie on flash."""
    return {f"{slot}/{name}": data for name, data in {**build.files, MANIFEST: build.manifest}.items()}


def start_files(rescue_ms: int = 20) -> dict[str, bytes]:
    """boot.py and main.py; the rescue window is shorter than the real one, which takes a minute here."""
    boot = built().files["boot.py"]
    assert REAL_WINDOW in boot
    return {
        "boot.py": boot.replace(REAL_WINDOW, f"RESCUE_ms = {rescue_ms}\n".encode()),
        "main.py": built().files["main.py"],
    }


def whole_firmware() -> dict[str, bytes]:
    """Everything that is flashed, in slot a."""
    return in_slot("a", built()) | start_files() | {"slot": b"a\n"}


def at_prompt() -> dict[str, bytes]:
    """The firmware's package where code at the prompt imports it from; nothing starts it."""
    return {name: data for name, data in built().files.items() if name.startswith("sled/")}


def own_file(name: str, folder: Path) -> dict[str, bytes]:
    """A script of this folder, compiled as a module of the chip."""
    source = folder / name
    source.write_text((HERE / name).read_text(encoding="utf-8"), encoding="utf-8")
    return {f"{source.stem}.mpy": emulator.compiled(source, emulator.image().compat)}


def part_files(pieces: list[array]) -> dict[str, bytes]:  # type: ignore[type-arg]
    """The pieces of the stimulus as files."""
    return {f"part_{number}.bin": piece.tobytes() for number, piece in enumerate(pieces)}


def count_ticks(stimulus: array) -> int:  # type: ignore[type-arg]
    """How many ticks a stimulus has."""
    at = ticks = 0
    while at < len(stimulus):
        at += 1 + 2 * stimulus[at]
        ticks += 1
    return ticks


def replay(folder: Path, parts_at_most: int | None = None) -> ChipReplay:
    """Run the stimulus, or its first parts, on the chip. Raises NoChip and ChipError."""
    pieces = parts(read_stimulus())[:parts_at_most]
    ticks = sum(count_ticks(piece) for piece in pieces)
    files = firmware_files(folder) | own_file("chip_replay.py", folder) | part_files(pieces)
    code = f"import chip_replay\nchip_replay.main({len(pieces)}, {ticks}, {CHECK_EVERY_TICKS})"
    lines = [line.split() for line in emulator.run(code, files, folder).splitlines()]
    found = {line[0]: line[1] for line in lines}
    checks = [Golden(int(line[1]), int(line[2])) for line in lines if line[0] == "check"]
    empty = int(statistics.median(array("H", bytes.fromhex(found["empty"]))))
    words = "".join(line[1] for line in lines if line[0] == "cycles")
    cycles = sorted(cycles - empty for cycles in array("H", bytes.fromhex(words)))
    cost = Cost(cycles[0], cycles[len(cycles) // 2], cycles[len(cycles) * 99 // 100], cycles[-1])
    return ChipReplay(
        list(dict.fromkeys(checks)), array("i", bytes.fromhex(found["state"])), int(found["ring"]), cost
    )


def interrupt_us(folder: Path) -> float:
    """Time the tick's interrupt takes from the main loop, inputs and outputs included, sled at rest."""
    span_us = 60_000
    files = at_prompt() | own_file("chip_interrupt.py", folder)
    printed = emulator.run(f"import chip_interrupt\nchip_interrupt.main({span_us})", files, folder)
    free, busy, ticks = map(int, printed.split())
    return span_us * (1 - busy / free) / ticks


def loads(folder: Path) -> dict[str, Load]:
    """What a tick costs while the main program collects garbage, talks, or thrashes the lookup cache."""
    files = at_prompt() | own_file("chip_load.py", folder)
    found = {}
    empty = 0
    for line in emulator.run("import chip_load\nchip_load.main()", files, folder).splitlines():
        name, _, words = line.partition(" ")
        values = array("i", bytes.fromhex(words))[3:]
        cycles = sorted(values[::2])
        if name == "empty":
            empty = int(statistics.median(cycles))
        else:
            found[name] = Load([each - empty for each in cycles], sorted(values[3::2]))
    return found


def memory(folder: Path) -> tuple[int, int]:
    """Bytes of the chip's heap that are free, and in use, with the whole firmware running."""
    files = at_prompt() | own_file("chip_memory.py", folder)
    free, used = map(int, emulator.run("import chip_memory\nchip_memory.main()", files, folder).split())
    return free, used
