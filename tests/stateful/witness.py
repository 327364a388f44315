"""Watches a simulated sled tick by tick: what must hold whatever was asked, pressed, pulled or broken.

It reads the tick's own words and the encoder, and works out by itself what those of one tick allow those of
the next. What a host was told is for `test_firmware.py`.
"""

from device.sled import layout, modes, tick
from device.sled.app import App
from protocol.codes import fault_mask
from sim.rig import Rig

RAMP_ENDS_ticks = 1001  # a second, and the tick in which it ends
STANDS_ticks = 500  # until the estimates have forgotten a motion
#: What may take force away at once: the bounds near a standstill, and a driver that must be spared.
_SUDDEN = sum(
    1 << limit
    for limit in (
        layout.LIMIT_CRAWL,
        layout.LIMIT_PASSIVITY,
        layout.LIMIT_BUS,
        layout.LIMIT_TEMPERATURE,
    )
)
_CAUSES = fault_mask("ramp", "drop")
_DROPS = fault_mask("drop")
_CHANGES = {(mode, following) for mode, _, following in modes.TABLE}
_ARMING = (layout.MODE_IDLE, layout.MODE_ARMED)
_LOAD = slice(tick.PULL, tick.PULL + 2 * tick.LOAD_WORDS)


class WatchedApp(App):
    """The firmware, saying of every change of its mode that it happened, whoever makes it."""

    @property
    def mode(self) -> int:
        return int(self.__dict__["mode"])

    @mode.setter
    def mode(self, following: int) -> None:
        if following != self.mode:
            self.__dict__.setdefault("mode_changes", []).append((self.mode, following))
        self.__dict__["mode"] = following


class Witness:
    """Checks one rig, across its resets. `may_arm` says whether anybody asks for it at this time."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.boots = 0
        self.armings = 0
        self.may_arm = False
        self._begin()

    def _begin(self) -> None:
        """A controller that has just started."""
        self.boots += 1
        self._was_armed = False
        self.rig.app.__class__ = WatchedApp
        self.s = self.rig.board.s
        self._ramp_ticks = 0
        self._still_ticks = 0
        self._remember()

    def _remember(self) -> None:
        s = self.s
        self._last = s[:]
        self._may_raise = s[tick.PERMIT] == tick.PERMIT_RAISE and not s[tick.FAULTS_MAIN] & _CAUSES
        if s[tick.LEASED] and s[tick.LEASE_LEFT_ticks] <= 0:
            self._may_raise = False

    def step(self) -> None:
        """Let one millisecond pass and check it."""
        self.rig.step(1)
        if self.rig.board.s is not self.s:
            assert self.rig.board.s[tick.ENABLE] == 0, "after any reset the brake is off"
            self._begin()
            return
        passed = self.s[tick.SAMPLE_INDEX] - self._last[tick.SAMPLE_INDEX]
        if passed:
            assert passed == 1, "the tick skipped a sample"
            self._check()
        self._check_mode()
        self._remember()

    def _check_mode(self) -> None:
        app = self.rig.app
        for change in app.__dict__.pop("mode_changes", ()):
            assert change in _CHANGES, f"the mode went {change[0]} -> {change[1]}, which no row has"
            before, now = (modes.PERMITS[mode] == tick.PERMIT_RAISE for mode in change)
            if now and not before:
                assert change == _ARMING and self.may_arm, "the sled armed by itself"
                self._was_armed = True
                self.armings += 1
        assert self.s[tick.PERMIT] == modes.PERMITS[app.mode] and self.s[tick.MODE] == app.mode

    def _check(self) -> None:
        s, last = self.s, self._last
        faults = s[tick.FAULTS] | last[tick.FAULTS_MAIN]
        may_raise = self._may_raise and not faults & _CAUSES
        brake, before = s[tick.BRAKE_mN], last[tick.BRAKE_mN]
        slew = s[tick.SLEW_mN_per_s] // tick.TICKS_PER_s

        assert 0 <= brake <= s[tick.FORCE_MAX_mN]
        assert brake - before <= slew, "the command rose faster than the slew limit"
        if not may_raise:
            assert brake <= before, "the command rose without a permit"
        elif not s[tick.LIMITS] & _SUDDEN and not s[tick.STILL_TICKS]:
            assert before - brake <= 4 * slew, "the command fell faster than the slew limit"

        if s[tick.ENABLE]:
            assert self._was_armed, "the brake is on though nobody armed it since the reset"
            assert last[tick.PERMIT] != tick.PERMIT_DROP and not faults & _DROPS
        else:
            assert brake == 0 and s[tick.DUTY] == 0
        self._ramp_ticks = 0 if may_raise else self._ramp_ticks + 1
        if self._ramp_ticks > RAMP_ENDS_ticks:
            assert not s[tick.ENABLE], "the brake is still on a second after it had to begin to go"

        self._still_ticks = 0 if s[tick.COUNTS] != last[tick.COUNTS] else self._still_ticks + 1
        if may_raise:  # else the brake itself falls, which is looked at above
            self._check_envelope()

    def _check_envelope(self) -> None:
        """The load rises no faster than it may: the athlete's own motion can shape it, a new load cannot."""
        s, last = self.s, self._last
        rise = s[tick.LEVEL_mN] - last[tick.LEVEL_mN]
        allowed = s[tick.RAISE_mN_per_s] // tick.TICKS_PER_s
        is_new = s[_LOAD] != last[_LOAD]
        if s[tick.DIRECTION] != last[tick.DIRECTION]:
            return  # the other direction has a load, and a way to it, of its own
        if is_new or self._still_ticks > STANDS_ticks:
            assert rise <= allowed, "a load rose faster than the envelope"
        else:
            assert rise <= allowed + max(0, s[tick.LAW_mN] - last[tick.LAW_mN]), "more than motion explains"
