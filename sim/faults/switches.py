"""Emergency stop and the two buttons: pressed by somebody, or stuck."""

from collections.abc import Callable

from sim.faults.breaking import End, Fault, hold, random_of
from sim.rig import BUTTON_DOWN, BUTTON_UP, ESTOP, Rig

_BOUNCE_ms = 5  # assumption: tactile switches bounce for 1 to 5 ms
_BUTTONS = {"up": BUTTON_UP, "down": BUTTON_DOWN}


def close(rig: Rig, bit: int) -> End:
    """Close one of the switches of `sim.rig`; it opens when nobody holds it any more."""

    def settle(holders: list[bool]) -> None:
        if holders:
            rig.switches |= bit
        else:
            rig.switches &= ~bit

    return hold(rig, f"switch {bit}", True, settle)


def press(rig: Rig, button: str, for_ms: int) -> None:
    """Press `up` or `down` now, for so long; the contact bounces at both ends.

    Raises ValueError for another button, and for no time at all.
    """
    if button not in _BUTTONS:
        raise ValueError(f"there is no button {button!r}; known are: {', '.join(sorted(_BUTTONS))}")
    if for_ms < 1:
        raise ValueError(f"a button must be pressed for 1 ms or more, not {for_ms}")
    draw = random_of(rig).random
    is_closed = {0: True}
    for end_ms, settles in ((min(_BOUNCE_ms, for_ms), True), (for_ms + _BOUNCE_ms, False)):
        start_ms = 0 if settles else for_ms
        is_closed.update({ms: draw() < 0.5 for ms in range(start_ms + 1, end_ms)})
        is_closed[end_ms] = settles
    is_closed[for_ms] = False
    let_go: list[End] = []

    def contact(closes: bool) -> Callable[[Rig], None]:
        def act(rig: Rig) -> None:
            while let_go:
                let_go.pop()()
            if closes:
                let_go.append(close(rig, _BUTTONS[button]))

        return act

    for ms, closes in is_closed.items():
        rig.schedule(rig.ticks + ms, contact(closes))


def _estop(rig: Rig, _: float) -> End:
    return close(rig, ESTOP)


def _button_up_stuck(rig: Rig, _: float) -> End:
    return close(rig, BUTTON_UP)


def _button_down_stuck(rig: Rig, _: float) -> End:
    return close(rig, BUTTON_DOWN)


SWITCH_FAULTS = (
    Fault("estop", "switch", "The emergency stop is pressed.", _estop, shows="ESTOP"),
    Fault(
        "button_up_stuck",
        "switch",
        "The button that raises the load is stuck.",
        _button_up_stuck,
        expected="It counts as held: STOP after 0.8 s, and no arming until it is let go.",
    ),
    Fault(
        "button_down_stuck",
        "switch",
        "The button that lowers the load is stuck.",
        _button_down_stuck,
        expected="It counts as held: STOP after 0.8 s, and no arming until it is let go.",
    ),
)
