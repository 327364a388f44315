"""Motor driver in brake mode: takes a magnitude only and gives the sign itself.

`SignedDriver` is the wrong kind, which a firmware must survive all the same: it keeps the sign that
the motion had when the command came. The exponential is a series, not the C library's: the last bit
of that differs between machines, and the same seed must give the same bytes everywhere.
"""

from sim.world.parameters import Driver as DriverParameters
from sim.world.plant import TICK_s

COMMAND_MAX = 4095


def decay(exponent: float) -> float:
    """exp(-exponent) for 0 <= exponent <= 2, the same on every machine."""
    total = term = 1.0
    for n in range(1, 40):
        term *= -exponent / n
        total += term
    return total


class Driver:
    """Brake force from the 12-bit command: ENABLE gate, saturation, first-order lag, trips.

    The limit at a crawl depends on the speed within the tick, so the plant applies it. Faults, to be
    set at any time: `is_wrong_signed` makes the brake drive; `stuck_command_N` is a command input stuck
    at that force, which ENABLE still gates; `stuck_N` is a power stage stuck at a force, which nothing
    but a trip takes off; `strength` is the part of the force that is left; `is_broken` trips it for as
    long as it is set; `is_dead` takes the force without a word.
    """

    __slots__ = (
        "_decay",
        "_hysteresis_V",
        "_mean",
        "_overvoltage_V",
        "_rest_ticks",
        "_step_N",
        "_trip_ticks",
        "_undervoltage_V",
        "brake_N",
        "force_N",
        "is_broken",
        "is_dead",
        "is_tripped",
        "is_wrong_signed",
        "signed_N",
        "strength",
        "stuck_N",
        "stuck_command_N",
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
        self.is_broken = False
        self.is_dead = False
        self.is_wrong_signed = False
        self.strength = 1.0
        self.stuck_N: float | None = None
        self.stuck_command_N: float | None = None
        self._overvoltage_V = parameters.overvoltage_V
        self._undervoltage_V = parameters.undervoltage_V
        self._hysteresis_V = parameters.hysteresis_V
        self._trip_ticks = round(parameters.trip_s / TICK_s)
        self._rest_ticks = 0  # a trip lasts so much longer at least

    def tick(self, command: int, is_enabled: int, v_m_per_s: float) -> None:
        """One tick with this command (0 to COMMAND_MAX; beyond, it saturates) at that speed of the sled."""
        if self.is_tripped or self.is_dead:
            self.force_N = self.brake_N = self.signed_N = 0.0
            return
        if not is_enabled or command < 0:
            command = 0
        elif command > COMMAND_MAX:
            command = COMMAND_MAX
        target = command * self._step_N * self.strength
        if self.stuck_command_N is not None and is_enabled:
            target = self.stuck_command_N * self.strength
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

    def watch(self, bus_V: float, ticks: int) -> None:
        """Trip on this voltage of the bus, or end a trip; `ticks` have passed since the last look.

        Like VESC: a trip lasts a while at least, and until the bus is back within its limits.
        """
        margin_V = self._hysteresis_V if self.is_tripped else 0.0
        is_good = self._undervoltage_V + margin_V <= bus_V <= self._overvoltage_V - margin_V
        if self.is_broken or not is_good:
            if not self.is_tripped:
                self._rest_ticks = self._trip_ticks
            self.is_tripped = True
        elif self.is_tripped and self._rest_ticks <= 0:
            self.is_tripped = False
        self._rest_ticks -= ticks


class SignedDriver(Driver):
    """Takes a command every `HOLD_TICKS`, gives it the sign against the motion at that moment, and
    holds both until the next command. ENABLE is a line of its own, which gates it at once."""

    __slots__ = ("_age", "_command", "_sign")

    HOLD_TICKS = 4

    def __init__(self, parameters: DriverParameters) -> None:
        super().__init__(parameters)
        self._age = self._command = 0
        self._sign = 0.0

    def tick(self, command: int, is_enabled: int, v_m_per_s: float) -> None:
        if self._age % self.HOLD_TICKS == 0:
            self._command = command
            self._sign = -1.0 if v_m_per_s > 0.0 else 1.0 if v_m_per_s < 0.0 else 0.0
        self._age += 1
        # Which way the motion was then, for a driver that is wrong about it on top.
        super().tick(self._command, is_enabled, -self._sign)
        if not self.is_wrong_signed:
            self.signed_N = self._sign * self.brake_N
            self.brake_N = 0.0
