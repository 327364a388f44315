"""Power cuts at every block operation of whole flashes, and at random moments of running ones.

Prints, for each kind of flash, how many cuts there were, how many boards did not come back by themselves,
and how many lost a setting. Takes minutes. Usage: python -m tests.flashing [--random 200] [--seed 1]
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from device.sled import storage
from host.errors import HostError
from tests.device.storing import with_value
from tests.flashing import cuts, unix_board
from tests.flashing.flashed import build_id, changed, flash, flat, ready, slot_files
from tests.flashing.unix_board import UnixBoard

KEPT = {"settings.0": storage.pack(1, with_value("trim_max_mN", 5_000), ())}
_ROW = "{:66} {:>5} {:>14} {:>14}"


def kinds(folder: Path) -> dict[str, tuple[dict[str, bytes], Path, Path]]:
    """What is on the board before, and the sources of the firmware that it has and gets."""
    old = unix_board.sources(folder / "old")
    panel = changed(unix_board.sources(folder / "panel"))
    every = unix_board.sources(folder / "every")
    for path in [*every.glob("*.py"), *(every / "sled").glob("*.py")]:
        path.write_text(path.read_text(encoding="utf-8") + "changed = 1\n", encoding="utf-8")
    both = ready(old) | slot_files(old, "b") | KEPT
    return {
        "every file changed, the other slot empty": (ready(old) | KEPT, old, every),
        "every file changed, the other slot full": (both, old, every),
        "one file changed, the other slot empty": (ready(old) | KEPT, old, panel),
        "one file changed, the other slot full": (both, old, panel),
        "from the layout before slots": (flat(old) | KEPT, old, old),
    }


def sweep(folder: Path, name: str, before: dict[str, bytes], old: Path, new: Path) -> list[cuts.Failure]:
    """Every block operation of one flash."""
    record = cuts.recorded(folder / "board", before, old, new)
    found = cuts.failures(folder, record, KEPT)
    _tell(f"each block operation: {name}", len(record.operations), found)
    return found


def at_random(folder: Path, count: int, seed: int) -> list[cuts.Failure]:
    """Cuts of flashes that run, at random moments; each is repeated, which must then succeed."""
    chance = random.Random(seed)
    found: list[cuts.Failure] = []
    for number, kind in enumerate(chance.choices(list(kinds(folder / "kinds").values()), k=count)):
        before, _, new = kind
        board = UnixBoard(folder / f"random{number}", hangs_up=True)
        board.write_files(before)
        with board:
            old = cuts.answer(board)
            board.cut_power_at(chance.randint(1, 200))
            try:
                flash(board, new)
            except HostError:
                board.wait_for("cut")
            board.cut_power_at(None)
            if "cut" in board.events:
                board.events.clear()
                board.power_on()
            try:
                build = cuts.answer(board)
                if build not in (old, build_id(new)):
                    found.append(cuts.Failure(number, f"build {build:08x}"))
                device = flash(board, new).device
                assert device is not None
                if device.build_id != build_id(new):
                    found.append(cuts.Failure(number, "not flashed by the next flash"))
            except HostError as error:
                found.append(cuts.Failure(number, error.sentence))
            files = board.read_files()
            found += [cuts.Failure(number, f"{path} lost") for path in KEPT if files.get(path) != KEPT[path]]
        board.flash.unlink()
    _tell("random moments of running flashes, then flashed again", count, found)
    return found


def _tell(what: str, count: int, found: list[cuts.Failure]) -> None:
    lost = [failure for failure in found if failure.why.endswith("lost")]
    print(_ROW.format(what, count, len(found) - len(lost), len(lost)), flush=True)
    for failure in found:
        print(f"  cut {failure.operation}: {failure.why}")


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m tests.flashing", description=__doc__.split("\n")[0])
    words.add_argument("--random", type=int, default=200, metavar="N", help="cuts at random moments")
    words.add_argument("--seed", type=int, default=1)
    given = words.parse_args()
    print(_ROW.format("power cut in", "cuts", "not come back", "settings lost"))
    found: list[cuts.Failure] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for number, (name, kind) in enumerate(kinds(folder / "kinds").items()):
            found += sweep(folder / str(number), name, *kind)
        found += at_random(folder / "random", given.random, given.seed)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
