"""`host recover`: what it says and does for each state of a board; boot drives and UF2 files."""

import struct
import termios  # the bench needs POSIX, as this does
import threading
import time
from pathlib import Path

import pytest

from host.errors import BadValue, FileError, LinkError, NoAnswer, NoDevice, PortBusy, Refused
from host.flashing import drives, finding, recovering, waking
from host.flashing.drives import Drive
from host.flashing.finding import Seen
from host.flashing.installing import Outcome
from host.flashing.recovering import recover
from host.flashing.showing import Lines
from host.transport import open_port
from tests.flashing import unix_board
from tests.flashing.flashed import build_id, hello, ready
from tests.flashing.unix_board import UnixBoard

HANGS = b"""import micropython, time
micropython.kbd_intr(-1)
if not globals().get("is_rescue"):
    while True:
        time.sleep(1)
micropython.kbd_intr(3)
"""


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    return unix_board.sources(tmp_path, rescue_ms=600)


def mended(board: UnixBoard, sources: Path, said: list[str], patience_s: float = 30) -> Outcome | Seen:
    return recover(board.port, sources, None, Lines(said.append), patience_s)


def test_firmware_that_answers_is_left_alone(tmp_path: Path, sources: Path) -> None:
    board = UnixBoard(tmp_path / "board")
    board.write_files(ready(sources))
    with board:
        hello(board)
        found = mended(board, sources, [])
        assert isinstance(found, Seen) and found.state == finding.FIRMWARE
        assert board.events == ["boot"]


def test_a_board_at_the_prompt_gets_the_firmware(tmp_path: Path, sources: Path) -> None:
    board = UnixBoard(tmp_path / "board")
    broken = ready(sources)
    del broken["a/sled/tick.mpy"]
    board.write_files(broken)
    with board:
        board.wait_for("prompt")
        said: list[str] = []
        found = mended(board, sources, said)
        assert isinstance(found, Outcome) and found.device is not None
        assert found.device.build_id == build_id(sources)
        assert "prompt answers" in said[0]


def test_a_board_that_hangs_is_caught_while_it_starts_after_somebody_plugs_it_in(
    tmp_path: Path, sources: Path
) -> None:
    board = UnixBoard(tmp_path / "board")
    board.write_files(ready(sources) | {"main.py": HANGS})
    with board:
        board.wait_for("boot")
        time.sleep(1)
        said: list[str] = []

        def replug() -> None:
            while not said:
                time.sleep(0.05)
            board.power_off()
            time.sleep(0.3)
            board.power_on()

        somebody = threading.Thread(target=replug)
        somebody.start()
        found = mended(board, sources, said)
        somebody.join()
        assert isinstance(found, Outcome) and found.device is not None
        assert found.device.build_id == build_id(sources)
        assert "nothing answers; unplug it and plug it in" in said[0]


def test_who_waits_in_vain_is_told_what_to_do_next(
    tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "boot_drives", list)
    said: list[str] = []
    with pytest.raises(NoDevice) as gone:
        recover(str(tmp_path / "nothing"), sources, None, Lines(said.append), 0.3)
    assert "BOOTSEL" in gone.value.hint and "hold BOOTSEL" in said[0]
    board = UnixBoard(tmp_path / "board")
    board.write_files({"main.py": HANGS})
    with board:
        board.wait_for("boot")
        with pytest.raises(NoAnswer) as silent:
            mended(board, sources, said, 0.1)
        assert "--micropython" in silent.value.hint


def test_a_port_that_another_program_has_is_said_to_be_so(tmp_path: Path, sources: Path) -> None:
    with UnixBoard(tmp_path / "board") as board:
        board.wait_for("prompt")
        port = open_port(board.port)
        with pytest.raises(PortBusy):
            mended(board, sources, [])
        port.close()


def test_a_port_without_permission_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("serial.Serial", refuse)
    with pytest.raises(LinkError) as refused:
        recover("/dev/ttyACM0", Path(), None, Lines(lambda line: None), 1)
    assert "no permission" in refused.value.sentence and "udev" in refused.value.hint


def test_a_port_that_goes_away_while_it_is_opened_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A board that restarts takes its port away at any moment; pyserial lets the error of termios through."""

    def vanish(*_: object, **__: object) -> None:
        raise termios.error(5, "Input/output error")

    monkeypatch.setattr("serial.Serial", vanish)
    assert finding.examine("/dev/ttyACM0").state == finding.GONE


def test_several_boards_are_listed_and_none_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    several = [Seen(finding.PROMPT, "/dev/ttyACM0"), Seen(finding.SILENT, "/dev/ttyACM1")]
    with pytest.raises(NoDevice) as refused:
        finding.the_only_of(several)
    assert (
        "/dev/ttyACM0 (MicroPython's prompt answers), /dev/ttyACM1 (nothing answers)"
        in refused.value.sentence
    )
    assert refused.value.hint == "host --port /dev/ttyACM0 flash"
    with pytest.raises(NoDevice):
        finding.the_only_of([])


def drive(folder: Path, board: str = "RPI-RP2") -> Drive:
    """A folder like a mounted boot drive."""
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_text(f"UF2 Bootloader v3.0\nModel: Raspberry Pi\nBoard-ID: {board}\n")
    return next(found for found in drives.boot_drives() if found.path == folder)


def uf2(path: Path, family: int = 0xE48BFF56) -> Path:
    head = struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000, 256, 0, 1, family)
    path.write_bytes(head.ljust(512, b"\0"))
    return path


@pytest.fixture
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where boot drives are looked for."""
    place = tmp_path / "media"
    place.mkdir()
    monkeypatch.setattr(drives, "mount_points", lambda: sorted(place.iterdir()))
    return place


def test_boot_drives_are_told_apart_by_what_they_say_of_themselves(mounts: Path) -> None:
    (mounts / "stick").mkdir()
    assert drives.boot_drives() == []
    assert drive(mounts / "one").chip == "RP2040"
    assert drive(mounts / "two", "RP2350").chip == "RP2350"
    with pytest.raises(Refused, match="RP2350"):
        drives.refuse_other_chip("RP2350")


def test_a_boot_drive_without_an_image_says_where_one_is_to_be_had(mounts: Path) -> None:
    seen = Seen(finding.DRIVE, "drive", drive=drive(mounts / "one"))
    with pytest.raises(Refused, match=r"RPI_PICO-\*\.uf2") as refused:
        waking.start_micropython(seen, None, Lines(lambda line: None), 1)
    assert "--micropython" in refused.value.hint


def test_only_a_uf2_of_this_chip_is_copied(mounts: Path, tmp_path: Path) -> None:
    place = drive(mounts / "one")
    with pytest.raises(FileError):
        drives.put_micropython(place, tmp_path / "missing.uf2")
    (tmp_path / "text.uf2").write_text("no image")
    with pytest.raises(BadValue, match="no UF2"):
        drives.put_micropython(place, tmp_path / "text.uf2")
    with pytest.raises(BadValue, match="for RP2350"):
        drives.put_micropython(place, uf2(tmp_path / "other.uf2", 0xE48BFF59))
    assert [path.name for path in place.path.iterdir()] == ["INFO_UF2.TXT"]
    image = uf2(tmp_path / "pico.uf2")
    drives.put_micropython(place, image)
    assert (place.path / "firmware.uf2").read_bytes() == image.read_bytes()


def test_a_boot_drive_gets_micropython_and_then_the_firmware(
    tmp_path: Path, sources: Path, mounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = drive(mounts / "one").path
    board = UnixBoard(tmp_path / "board")

    def look(port: str | None, is_eager: bool = False) -> list[Seen]:
        """As plugged in: the boot ROM's drive until an image is on it, then MicroPython's port."""
        if not (place / "firmware.uf2").exists():
            return [Seen(finding.DRIVE, str(place), drive=Drive(place, "RP2040"))]
        if not Path(board.port).exists():
            board.power_on()
            return []
        return [finding.examine(board.port)]

    monkeypatch.setattr(finding, "look", look)
    said: list[str] = []
    try:
        found = recovering.recover(None, sources, uf2(tmp_path / "pico.uf2"), Lines(said.append), 30)
        assert isinstance(found, Outcome) and found.device is not None
        assert found.device.build_id == build_id(sources)
    finally:
        board.__exit__()
