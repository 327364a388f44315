"""Whether what is drawn for the range check comes to every line of the tick: an overflow may live in any."""

from array import array
from pathlib import Path

from hypothesis import given, settings

from device.sled import tick as firmware
from tests.mutation.mutants import marked
from tests.runtimes.test_integer_range import DRIVES, RING_WORDS, Stretch, drive
from tests.runtimes.test_stimulus import unreachable


def test_the_drawn_inputs_come_to_every_line_of_the_tick() -> None:
    text = Path(firmware.__file__).read_text(encoding="utf-8")
    reached = bytearray(text.count("\n") + 2)
    scope = {"__name__": firmware.__name__, "__package__": firmware.__package__, "reached": reached}
    exec(marked(text, "tick.py", "reached"), scope)

    @settings(max_examples=1200, derandomize=True, database=None)
    @given(*DRIVES)
    def draw(
        values: tuple[int, ...],
        pull: tuple[int, ...],
        push: tuple[int, ...],
        start: dict[str, int],
        stretches: list[Stretch],
    ) -> None:
        s = array("i", bytes(4 * firmware.STATE_WORDS))
        drive(scope["tick"], s, array("H", bytes(2 * RING_WORDS)), values, pull, push, start, stretches)

    draw()
    first = firmware.tick.__code__.co_firstlineno + 1
    lines = {line for _, _, line in firmware.tick.__code__.co_lines() if line is not None and line > first}
    left = {line for line in lines if not reached[line]} - {unreachable()}
    assert not left, f"lines of tick.py that no drawn input reaches: {sorted(left)}"
