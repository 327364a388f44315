"""The bench board does what a Pico does: file system, start files, prompt, resets, Ctrl-C, power cuts."""

from pathlib import Path

import pytest
from mpremote.transport_serial import SerialTransport

from host.ports import connect
from tests.flashing import unix_board
from tests.flashing.flashed import ready


def prompt(board: unix_board.UnixBoard) -> SerialTransport:
    transport = SerialTransport(board.port)
    transport.is_pty = True
    transport.enter_raw_repl(soft_reset=False)
    return transport


def test_an_empty_flash_is_formatted_and_gives_the_prompt(tmp_path: Path) -> None:
    with unix_board.UnixBoard(tmp_path / "board") as board:
        board.wait_for("prompt")
        transport = prompt(board)
        assert transport.eval("__import__('os').listdir('/')") == []
        assert transport.eval("__import__('sys').implementation.version") == (1, 22, 0)
        transport.fs_writefile("/x", b"12345")
        assert board.read_files() == {"x": b"12345"}


def test_both_start_files_run_and_a_reset_runs_them_again(tmp_path: Path) -> None:
    board = unix_board.UnixBoard(tmp_path / "board")
    board.write_files({"boot.py": b"found = 1\nraise KeyboardInterrupt\n", "main.py": b"found += 1\n"})
    with board:
        board.wait_for("prompt")
        transport = prompt(board)
        assert transport.eval("found") == 2, "an interrupt of boot.py does not keep main.py from running"
        transport.exec("import machine\nmachine.mem32[0x4005800C] = 7")
        transport.exec_raw_no_follow("import machine\nmachine.reset()")
        transport.close()
        board.wait_for("prompt", after=2)
        assert prompt(board).eval("__import__('machine').mem32[0x4005800C]") == 7


def test_ctrl_c_stops_a_program_unless_it_was_turned_off(tmp_path: Path) -> None:
    for number, line in enumerate((b"", b"__import__('micropython').kbd_intr(-1)\n")):
        board = unix_board.UnixBoard(tmp_path / str(number))
        board.write_files(
            {"main.py": line + b"import time\nfor _ in range(30):\n print('busy')\n time.sleep(0.1)\n"}
        )
        with board:
            board.wait_for("boot")
            transport = SerialTransport(board.port)
            transport.is_pty = True
            assert transport.read_until(1, b"busy").endswith(b"busy")
            transport.serial.write(b"\x03")
            if line:
                with pytest.raises(AssertionError):
                    board.wait_for("prompt", within_s=0.5)
            else:
                board.wait_for("prompt")


def test_the_firmware_answers_and_gives_the_prompt_back(tmp_path: Path) -> None:
    sources = unix_board.sources(tmp_path)
    board = unix_board.UnixBoard(tmp_path / "board")
    board.write_files(ready(sources))
    with board:
        with connect(board.port) as session:
            first = session.request("GET_STATUS").fields["sample_index"]
            while session.request("GET_STATUS").fields["sample_index"] == first:
                pass
            session.request("ENTER_REPL")
        board.wait_for("prompt")
        assert prompt(board).eval("1 + 1") == 2
    assert board.events == ["boot", "prompt"]


def test_the_watchdog_starts_a_board_anew_that_no_longer_feeds_it(tmp_path: Path) -> None:
    board = unix_board.UnixBoard(tmp_path / "board")
    board.write_files(
        {"main.py": b"import machine\nif machine.reset_cause() != 3:\n machine.WDT(timeout=100)\n"}
    )
    with board:
        board.wait_for("watchdog")
        board.wait_for("prompt", after=3)
        assert board.events == ["boot", "prompt", "watchdog", "boot", "prompt"]


def test_a_power_cut_leaves_half_of_what_was_being_written(tmp_path: Path) -> None:
    with unix_board.UnixBoard(tmp_path / "board") as board:
        board.wait_for("prompt")
        transport = prompt(board)
        transport.fs_writefile("/x", b"old" * 2000)
        before = board.block_operations
        board.cut_power_at(3)
        with pytest.raises(OSError):
            transport.fs_writefile("/x", b"new" * 2000)
        board.wait_for("cut")
        assert board.block_operations == before + 3
        assert not Path(board.port).exists()
        board.power_on()
        board.wait_for("prompt", after=3)
        assert board.read_files() == {"x": b"old" * 2000}
        assert prompt(board).eval("open('/x').read(3)") == "old"
