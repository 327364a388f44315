"""`host flash` on the bench board: what it does, what it leaves alone, and what it refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from device.sled import storage
from host.errors import LinkError, Refused, VersionMismatch
from host.flashing import finding
from host.flashing.board import Board
from host.ports import connect
from protocol.settings import SETTINGS
from tests.device.storing import with_value
from tests.flashing import unix_board
from tests.flashing.flashed import START, build_id, changed, flash, flat, hello, ready
from tests.flashing.unix_board import UnixBoard
from tests.host.command_line import Host

TRIM = next(row for row in SETTINGS if row.name == "trim_max_mN")
STORED = storage.pack(1, with_value("trim_max_mN", 5_000), ())


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return unix_board.sources(tmp_path)


@pytest.fixture
def board(tmp_path: Path, sources: Path) -> Iterator[UnixBoard]:
    """A board that runs the firmware from slot a, with a setting of its own."""
    board = UnixBoard(tmp_path / "board", hangs_up=True)
    board.write_files(ready(sources) | {"settings.0": STORED})
    with board:
        yield board


def test_a_bare_board_gets_the_whole_firmware_and_runs_it(tmp_path: Path, sources: Path) -> None:
    with UnixBoard(tmp_path / "board", hangs_up=True) as board:
        board.wait_for("prompt")
        outcome = flash(board, sources)
        assert outcome.device == hello(board)
        assert outcome.device.build_id == build_id(sources) and outcome.device.slot == "a"
        files = board.read_files()
        assert {path: files[path] for path in ready(sources) if path != "slot"} == {
            path: content for path, content in ready(sources).items() if path != "slot"
        }


def test_an_unchanged_board_is_written_nothing_and_not_restarted(board: UnixBoard, sources: Path) -> None:
    before = hello(board).boot_id, board.block_operations
    outcome = flash(board, sources)
    assert outcome.was_unchanged and outcome.device is not None
    assert (hello(board).boot_id, board.block_operations) == before
    assert board.events == ["boot"]


def test_one_changed_file_goes_into_the_other_slot_which_proves_itself(
    board: UnixBoard, sources: Path
) -> None:
    outcome = flash(board, changed(sources))
    assert outcome.steps is not None and outcome.device is not None
    assert set(outcome.steps.sent) == {"b/sled/panel.mpy", "b/MANIFEST", "slot"}
    assert (outcome.device.slot, outcome.device.is_on_trial) == ("b", False)
    assert outcome.device.build_id == build_id(sources)
    assert board.read_files()["slot"].split() == [b"b"], "the new slot is the good one"
    again = flash(board, changed(sources, line="changed = 2"))
    assert again.steps is not None and set(again.steps.sent) == {"a/sled/panel.mpy", "a/MANIFEST", "slot"}
    assert set(again.steps.files) == set(again.steps.sent), "the rest lay there from the time before"


def test_settings_are_kept(board: UnixBoard, sources: Path) -> None:
    flash(board, changed(sources))
    with connect(board.port) as session:
        reply = session.request("GET_SETTING", setting=TRIM.number)
        assert reply.fields["setting_value"] == 5_000
    assert board.read_files()["settings.0"] == STORED


def test_a_file_that_was_being_written_when_the_power_went_is_no_obstacle(
    tmp_path: Path, sources: Path
) -> None:
    board = UnixBoard(tmp_path / "board")
    unfinished = ("slot.new", "boot.py.new", "main.py.new", "b/MANIFEST.new", "b/sled/app.mpy.new")
    board.write_files(ready(sources) | dict.fromkeys(unfinished, b"half"))
    with board:
        hello(board)
        flash(board, changed(sources))
        assert not [path for path in board.read_files() if path.endswith(".new")]


def test_start_files_that_differ_are_replaced(board: UnixBoard, sources: Path) -> None:
    for name in START - {"slot"}:
        (sources / name).write_bytes((sources / name).read_bytes() + b"# more\n")
    flash(board, sources)
    files = board.read_files()
    for name in START - {"slot"}:
        assert files[name] == (sources / name).read_bytes()
    assert not [path for path in files if path.endswith(".new")]


def test_a_board_with_the_older_flat_layout_is_moved_into_slots(tmp_path: Path, sources: Path) -> None:
    board = UnixBoard(tmp_path / "board")
    board.write_files(flat(sources) | {"settings.0": STORED, "mine.txt": b"1"})
    with board:
        assert hello(board).build_id is None
        outcome = flash(board, sources)
        assert outcome.device is not None and outcome.device.build_id == build_id(sources)
        files = board.read_files()
        assert not [path for path in files if path.startswith("sled/")]
        assert files["settings.0"] == STORED and files["mine.txt"] == b"1"


def test_a_dry_run_shows_the_plan_and_writes_nothing(board: UnixBoard, sources: Path) -> None:
    hello(board)
    before = board.block_operations
    outcome = flash(board, changed(sources), is_dry_run=True)
    assert outcome.steps is not None and set(outcome.steps.sent) == {"b/sled/panel.mpy", "b/MANIFEST", "slot"}
    assert hello(board).build_id != build_id(sources), "what ran before runs again"
    assert board.block_operations == before


def test_a_sled_under_load_is_not_flashed(board: UnixBoard, sources: Path) -> None:
    hello(board)
    with connect(board.port) as session:
        session.request("ARM")
    with pytest.raises(Refused) as refused:
        flash(board, changed(sources))
    assert refused.value.hint == "host stop" and board.events == ["boot"]
    with connect(board.port) as session:
        assert session.request("GET_STATUS").fields["mode"] != 0, "it is still armed"


def test_firmware_that_does_not_start_leaves_the_old_one_running(board: UnixBoard, sources: Path) -> None:
    old = hello(board).build_id
    with pytest.raises(VersionMismatch, match="fell back by itself"):
        flash(board, changed(sources, "app", "raise ValueError"))
    assert hello(board).build_id == old
    assert board.events.count("boot") >= 4, "it was tried three times"


@pytest.mark.parametrize(
    ("chip", "words"),
    [
        ({"version": [1, 21, 0]}, r"MicroPython 1\.21\.0; the firmware needs 1\.22"),
        ({"machine": "Raspberry Pi Pico 2 with RP2350"}, "chip RP2350; .* RP2040 alone"),
        ({"blocks": 32}, r"KiB free, and \d+ KiB are needed"),
    ],
)
def test_a_board_that_cannot_run_it_is_refused_with_a_sentence(
    tmp_path: Path, sources: Path, chip: dict[str, object], words: str
) -> None:
    with UnixBoard(tmp_path / "board", **chip) as board:  # type: ignore[arg-type]
        board.wait_for("prompt")
        before = board.block_operations
        with pytest.raises(Refused, match=words):
            flash(board, sources)
        assert board.block_operations == before


def test_micropython_with_an_unknown_file_format_compiles_the_sources(tmp_path: Path, sources: Path) -> None:
    with UnixBoard(tmp_path / "board", mpy=4 << 10 | 7) as board:
        board.wait_for("prompt")
        outcome = flash(board, sources)
        assert outcome.device is not None and outcome.device.build_id is not None
        assert "a/sled/tick.py" in board.read_files()


def test_flash_that_gives_back_other_bytes_is_told(
    board: UnixBoard, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = hello(board).build_id
    write = Board.write

    def miswrite(self: Board, path: str, content: bytes, wrote: object) -> None:
        write(self, path, content[:-1] + b"x" if "panel" in path else content, wrote)  # type: ignore[arg-type]

    monkeypatch.setattr(Board, "write", miswrite)
    with pytest.raises(LinkError, match=r"other bytes than were written to /b/sled/panel\.mpy"):
        flash(board, changed(sources))
    assert hello(board).build_id == old
    assert "b/MANIFEST" not in board.read_files()


class AllCopied(BaseException):
    pass


@pytest.mark.parametrize("is_polite", [True, False])
def test_a_host_that_is_stopped_at_any_moment_leaves_a_board_that_comes_back(
    board: UnixBoard, sources: Path, monkeypatch: pytest.MonkeyPatch, is_polite: bool
) -> None:
    """Ctrl-C starts the board again; a kill leaves it at the prompt, which is all that a flash needs."""
    old = hello(board).build_id
    changed(sources)
    run, reset = Board._run, Board.reset
    left = 0

    def run_if_not_stopped(self: Board, code: str) -> bytes:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt
        return run(self, code)

    def reset_if_polite(self: Board) -> None:
        if left > 0:
            raise AllCopied
        if is_polite:
            reset(self)

    monkeypatch.setattr(Board, "_run", run_if_not_stopped)
    monkeypatch.setattr(Board, "reset", reset_if_polite)
    monkeypatch.setattr(finding, "_ANSWER_s", 0.3)
    for at in range(1, 100, 1 + is_polite):
        left = at
        try:
            flash(board, sources)
        except AllCopied:
            break
        except KeyboardInterrupt:
            pass
        if not is_polite and at % 3 == 0:
            board.power_off()
            board.power_on()
        if is_polite or at % 3 == 0:
            assert hello(board).build_id == old, f"stopped at {at}"
    assert at > 15
    monkeypatch.undo()
    outcome = flash(board, sources)
    assert outcome.device is not None and outcome.device.build_id == build_id(sources)


def test_the_command_tells_what_it_did(tmp_path: Path, board: UnixBoard, sources: Path) -> None:
    hello(board)
    host = Host(tmp_path)
    changed(sources)
    words = ("--port", board.port, "flash", "--firmware", str(sources))
    dry = host(*words, "--dry-run")
    assert (
        dry.code == 0 and "would send b/sled/panel.mpy" in dry.stdout and "nothing was written" in dry.stdout
    )
    done = host("--json", *words)
    assert done.code == 0, done.stdout
    assert done.answer["slot"] == "b" and done.answer["build"] == f"{build_id(sources):08x}"
    assert set(done.answer["written"]) > {"b/sled/panel.mpy", "b/MANIFEST", "slot"}
    again = host(*words)
    assert "nothing was written" in again.stdout and not again.stderr


def test_a_simulated_sled_has_nothing_to_flash(tmp_path: Path) -> None:
    host = Host(tmp_path)
    assert "simulated" in host("--json", "--port", "sim://", "flash").answer["error"]
    with host.sim() as sim:
        for words in (("--port", sim["ports"][0]), ()):
            assert host("--json", *words, "flash").code == (4 if words else 3)


def test_a_served_sled_is_not_flashed_over_the_servers_head(
    tmp_path: Path, board: UnixBoard, sources: Path
) -> None:
    hello(board)
    host = Host(tmp_path)
    with host.serve("--port", board.port):
        for words in (("--port", board.port), ()):
            answer = host("--json", *words, "flash", "--firmware", str(sources)).answer
            assert "host serve (process" in answer["error"] and answer["code"] == 5
