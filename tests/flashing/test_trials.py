"""A firmware on trial on the bench board: it proves itself or goes, wherever the power is cut."""

import contextlib
from itertools import count
from pathlib import Path

from host.errors import HostError
from host.ports import connect
from host.session import Device
from tests.flashing import flashed, unix_board
from tests.flashing.unix_board import UnixBoard

SETTINGS = {"settings.0": b"of another time"}


def sources(folder: Path) -> Path:
    """The firmware for the bench, well after a twentieth of the time."""
    found = unix_board.sources(folder)
    health = found / "sled" / "health.py"
    text = health.read_text(encoding="utf-8")
    assert "_WELL_ticks = 2000\n" in text
    health.write_text(text.replace("_WELL_ticks = 2000\n", "_WELL_ticks = 100\n"), encoding="utf-8")
    return found


def with_trial(board: UnixBoard, folder: Path, boots: int = 3) -> dict[str, int]:
    """Slot a good, another firmware in slot b on trial; the builds of both."""
    old = sources(folder / "old")
    new = flashed.changed(sources(folder / "new"))
    start = {"slot": b"a b%d" % boots}
    board.write_files(flashed.ready(old) | flashed.slot_files(new, "b") | SETTINGS | start)
    return {"a": flashed.build_id(old), "b": flashed.build_id(new)}


def slot_text(board: UnixBoard) -> bytes:
    return board.read_files().get("slot", b"").strip()


def until_confirmed(board: UnixBoard) -> Device | None:
    """Ask until the firmware is no longer on trial; None if the power has gone before."""
    while "cut" not in board.events:
        with contextlib.suppress(HostError), connect(board.port) as session:
            while session.device is None or session.device.is_on_trial:
                session.hello()
            return session.device
    return None


def test_a_firmware_on_trial_says_so_and_is_the_good_one_after_a_hello(tmp_path: Path) -> None:
    board = UnixBoard(tmp_path / "board")
    builds = with_trial(board, tmp_path)
    with board:
        first = flashed.hello(board)
        assert (first.slot, first.is_on_trial, first.build_id) == ("b", True, builds["b"])
        later = until_confirmed(board)
        assert later is not None and (later.slot, later.build_id) == ("b", builds["b"])
        assert slot_text(board) == b"b"
        assert board.events == ["boot"], "without a reset"


def test_one_that_nobody_talks_to_has_three_starts(tmp_path: Path) -> None:
    board = UnixBoard(tmp_path / "board")
    builds = with_trial(board, tmp_path)
    with board:
        for left in (2, 1, 0):
            board.wait_for("boot")
            while slot_text(board) != b"a b%d" % left:
                pass
            board.power_off()
            board.events.clear()
            board.power_on()
        device = flashed.hello(board)
        assert (device.slot, device.is_on_trial, device.build_id) == ("a", False, builds["a"])


def test_wherever_the_power_is_cut_one_of_both_runs_next_and_the_settings_stay(tmp_path: Path) -> None:
    """From switching on with a trial to the moment where it is the good slot: at every block operation."""
    cuts = 0
    for operation in count(1):
        folder = tmp_path / str(operation)
        board = UnixBoard(folder / "board")
        builds = with_trial(board, folder)
        board.cut_power_at(operation)
        with board:
            if until_confirmed(board):
                break
            cuts += 1
            board.power_on()
            device = flashed.hello(board)
            assert device.build_id == builds[device.slot or ""]
            assert slot_text(board) in (b"a b2", b"a b1", b"b"), operation
            assert board.read_files()["settings.0"] == SETTINGS["settings.0"]
    assert cuts > 5
