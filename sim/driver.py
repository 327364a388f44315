"""Motor driver in brake mode: takes a magnitude only and gives the sign itself.

`SignedDriver` is the wrong kind, which a firmware must survive all the same: it keeps the sign that
the motion had when the command came. The exponential is a series, not the C library's: the last bit
of that differs between machines, and the same seed must give the same bytes everywhere.
"""

from sim.parameters import Driver as DriverParameters
from sim.plant import TICK_s

COMMAND_MAX = 4095


def decay(exponent: float) -> float:
    """exp(-exponent) for 0 <= exponent <= 2, the same on every machine."""
    total = term = 1.0
    for n in range(1, 40):
        term *= -exponent / n
        total += term
    return total


class Driver:
    """Brake force from the 12-bit command: ENABLE gate, saturation, first-order lag.

    The limit at a crawl depends on the speed within the tick, so the plant applies it. Faults for
    tests: `is_wrong_signed` makes the brake drive, `stuck_N` holds a force whatever is commanded.
    """

    __slots__ = (
        "_decay",
        "_mean",
        "_step_N",
        "brake_N",
        "force_N",
        "is_tripped",
        "is_wrong_signed",
        "signed_N",
        "stuck_N",
    )

    def __init__(self, parameters: DriverParameters) -> None:
        ratio = TICK_s / parameters.lag_s
        self._step_N = parameters.full_scale_N / COMMAND_MAX
        self._decay = decay(ratio)
        self._mean = (1.0 - self._decay) / ratio  # mean over a tick of a decay from 1
        self.force_N = 0.0  #: magnitude at the end of the tick
        self.brake_N = 0.0  #: mean magnitude over the tick, opposing the motion
        self.signed_N = 0.0  #: mean force over the tick with a sign of its own
        self.is_tripped = False  #: its FAULT pin; it makes no force
        self.is_wrong_signed = False
        self.stuck_N: float | None = None

    def tick(self, command: int, is_enabled: int, v_m_per_s: float) -> None:
        """One tick with this command (0 to COMMAND_MAX; beyond, it saturates) at that speed of the sled."""
        if not is_enabled or command < 0:
            command = 0
        elif command > COMMAND_MAX:
            command = COMMAND_MAX
        target = command * self._step_N
        gap = self.force_N - target
        self.force_N = target + gap * self._decay
        mean = target + gap * self._mean
        if self.stuck_N is not None:
            self.force_N = mean = self.stuck_N
        if self.is_wrong_signed:
            self.brake_N = 0.0
            self.signed_N = mean if v_m_per_s > 0.0 else -mean if v_m_per_s < 0.0 else 0.0
        else:
            self.brake_N = mean
            self.signed_N = 0.0


class SignedDriver(Driver):
    """Takes a command every `HOLD_TICKS`, gives it the sign against the motion at that moment, and
    holds both until the next command."""

    __slots__ = ("_age", "_command", "_sign")

    HOLD_TICKS = 4

    def __init__(self, parameters: DriverParameters) -> None:
        super().__init__(parameters)
        self._age = self._command = 0
        self._sign = 0.0

    def tick(self, command: int, is_enabled: int, v_m_per_s: float) -> None:
        if self._age % self.HOLD_TICKS == 0:
            self._command = command if is_enabled else 0
            self._sign = -1.0 if v_m_per_s > 0.0 else 1.0 if v_m_per_s < 0.0 else 0.0
        self._age += 1
        super().tick(self._command, 1, v_m_per_s)
        self.signed_N = self._sign * self.brake_N
        self.brake_N = 0.0
