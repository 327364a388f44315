"""A sled that is pulled, pushed, shoved back, rammed and commanded at will, watched tick by tick.

Two drivers: the right one, which owns the sign and therefore cannot put energy in, and `SignedDriver`,
the wrong kind, which keeps the sign of the motion for 4 ms and so shows what the firmware commands.
"""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from device.sled import tick
from protocol import wire
from sim.faults import table as faults
from sim.rig import Rig, RigConfig
from sim.world import parameters
from sim.world.driver import Driver, SignedDriver
from sim.world.plant import Plant

FASTEST_m_per_s = 4.0  #: nobody can go on pushing beyond
START_m_per_s = 1.5

SLEW_mN = 5_000  #: a tick, at the default setting
FALL_mN = 4 * SLEW_mN
RAISE_mN = 180
_TAKEN_AWAY = 1 << 2 | 1 << 3 | 1 << 8 | 1 << 9  # LIMITS: crawl, passivity, bus, temperature
_BLIND = 1 << 4 | 1 << 5  # FAULTS: encoder silent, encoder jump


class Act(NamedTuple):
    """A constant force of the athlete on the sled, N, for so long, and what else happens at its begin."""

    force_N: float
    time_s: float
    what: str = ""  #: "", load, arm, stop, drop, late, stall, wall or the name of a fault
    value: Any = None  #: the loads for pull and push, or ms


class Outcome(NamedTuple):
    """The worst that was seen over a whole run."""

    injected_J: float  #: by the brake, in truth, while the encoder was believed
    injected_blind_J: float  #: and while it was not: the load then goes without looking
    reversed_m_per_s: float  #: speed of the sled in a direction in which nobody moved it
    reversed_blind_m_per_s: float
    lowest_mN: int  #: the command, and its greatest change in a tick ...
    rise_mN: int
    fall_mN: int  #: ... where nothing in LIMITS or FAULTS says why it falls
    raise_mN: int  #: of the load in a tick, beyond what its law asks
    faults: int  #: bits


def load(force_mN: int = 0, inertia_g: int = 30_000, **words: int) -> dict[str, int]:
    """A load in the units of the wire."""
    rest = ("viscous_mN_s_per_m", "quadratic_mN_s2_per_m2", "stiffness_mN_per_m", "speed_cap_mm_per_s")
    return {"force_mN": force_mN, "inertia_g": inertia_g} | dict.fromkeys(rest, 0) | words


LOADS = st.fixed_dictionaries(
    {
        "force_mN": st.sampled_from((0, 30_000, 100_000, 200_000, 350_000, 600_000)),
        "inertia_g": st.sampled_from((15_000, 30_000, 45_000)),
        "viscous_mN_s_per_m": st.sampled_from((0, 0, 50_000, 200_000, 1_000_000)),
        "quadratic_mN_s2_per_m2": st.sampled_from((0, 0, 20_000, 100_000)),
        "stiffness_mN_per_m": st.sampled_from((0, 0, 100_000, 500_000)),
        "speed_cap_mm_per_s": st.sampled_from((0, 0, 500, 1_000)),
    }
)
_FORCES_N = st.sampled_from((-400.0, -400.0, -250.0, -120.0, -60.0, 0.0, 60.0, 120.0, 250.0, 400.0))
_TIMES_s = st.sampled_from((0.02, 0.05, 0.1, 0.2, 0.4))


def _acts(what: st.SearchStrategy[str], value: st.SearchStrategy[Any]) -> st.SearchStrategy[Act]:
    return st.tuples(_FORCES_N, _TIMES_s, what, value).map(lambda row: Act(*row))


#: Reversals and shoves of up to 400 N.
SHOVES = _acts(st.just(""), st.none())
COMMANDS = (
    SHOVES
    | _acts(st.sampled_from(("arm", "stop", "drop")), st.none())
    | _acts(st.just("load"), st.tuples(LOADS, LOADS))
)
DELAYS = _acts(st.just("stall"), st.integers(1, 300)) | _acts(st.just("late"), st.integers(1, 8))
ENCODER_FAULTS = ("encoder_stuck", "encoder_reversed", "encoder_dropout", "encoder_jump")
CELL_FAULTS = ("cell_stuck", "cell_rail_high", "cell_rail_low", "cell_dropout", "cell_reversed", "cell_jump")
BREAKING = _acts(st.sampled_from(ENCODER_FAULTS + CELL_FAULTS), st.none())


def _mismatch(row: tuple[float, ...]) -> RigConfig:
    mass, friction, scale, lag_s, cell_scale, offset_N, noise_N = row
    return RigConfig(
        sled=parameters.Sled(mass_kg=30.0 * mass, rolling_N=11.2 * friction),
        driver=parameters.Driver(full_scale_N=816.0 * scale, lag_s=lag_s),
        sensors=parameters.Sensors(cell_scale=cell_scale, cell_offset_N=offset_N, cell_noise_N=noise_N),
    )


#: What sled, driver and load cell may be off by without costing any of the promise.
MISMATCHES = st.tuples(
    st.floats(0.9, 1.1),
    st.floats(0.7, 1.3),
    st.floats(0.9, 1.1),
    st.floats(0.001, 0.006),
    st.floats(0.97, 1.03),
    st.floats(-15, 15),
    st.floats(0.1, 3.0),
).map(_mismatch)


class Hands:
    """Somebody's hands on the hitch with `force_N`, as long as the sled is not faster than they are."""

    def __init__(self) -> None:
        self.force_N = 0.0

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        """Press or pull."""
        ahead = plant.v_m_per_s if self.force_N > 0 else -plant.v_m_per_s
        plant.touch_N = self.force_N if ahead < FASTEST_m_per_s else 0.0


class Trial:
    """One sled, armed with a load, and the watch over it: `do` what happens, then read `outcome`."""

    def __init__(
        self,
        pull: dict[str, int],
        push: dict[str, int] | None = None,
        config: RigConfig = RigConfig(),  # noqa: B008 - immutable
        driver_kind: type[Driver] = SignedDriver,
    ) -> None:
        self.rig = Rig(config._replace(signed_driver=driver_kind is SignedDriver))
        self.hands = Hands()
        self.rig.person = self.hands
        self._command_id = 0
        self._injected_blind_J = 0.0
        self._way = 0  # 1 or -1 as the sled moves
        self._is_explained = True  # somebody moved it that way
        self._worst: dict[str, Any] = dict.fromkeys(Outcome._fields, 0)
        self.rig.write(wire.encode("HELLO", {"protocol_major": 1, "protocol_minor": 0}))
        self._say("ARM")
        self._set_load(pull, push or pull)
        self.rig.step(10)
        # The load was set long ago.
        s = self.rig.board.s
        s[tick.CEILING_mN] = s[tick.FORCE_MAX_mN]
        s[tick.OFFSET_mN] = s[tick.OFFSET_mN + 1] = 0
        self.rig.step(1)

    def _say(self, name: str, **fields: Any) -> None:
        self._command_id += 1
        self.rig.write(wire.encode(name, {"command_id": self._command_id} | fields))

    def _set_load(self, pull: dict[str, int], push: dict[str, int]) -> None:
        self._say("SET_LOAD", hold=0, lease_ms=0, pull=pull, push=push)

    def start(self) -> "Trial":
        """It rolls at a brisk walk, and somebody pulls it as its load asks."""
        self.rig.plant.v_m_per_s = START_m_per_s
        s = self.rig.board.s
        s[tick.VELOCITY_mm_per_s_q10] = round(START_m_per_s * 1000 * 1024)
        s[tick.ZERO_TICKS] = 0
        self._way = 1
        return self.do(Act(s[tick.PULL] / 1000 + 20.0, 0.35))

    def do(self, act: Act) -> "Trial":
        """Let it happen, and watch every tick of it."""
        rig = self.rig
        what = act.what
        if what == "load":
            self._set_load(*act.value)
        elif what == "arm":
            self._say("ARM")
        elif what in ("stop", "drop"):
            self._say("STOP", stop_kind=int(what == "drop"))
        elif what == "stall":
            rig.stall_main(act.value)
        elif what == "late":
            rig.overrun(act.value)
        elif what == "wall":
            rig.plant.v_m_per_s = 0.0  # stopped dead
            self._way = 0
        elif what:
            faults.begin(rig, what)
        self.hands.force_N = act.force_N
        for _ in range(round(act.time_s * 1000)):
            self._watch_a_tick()
        return self

    def _watch_a_tick(self) -> None:
        rig = self.rig
        s = rig.board.s
        brake, level, law, ramp_ticks = s[tick.BRAKE_mN], s[tick.LEVEL_mN], s[tick.LAW_mN], s[tick.RAMP_TICKS]
        direction, index = s[tick.DIRECTION], s[tick.SAMPLE_INDEX]
        is_new = (
            s[tick.LOAD_PENDING] and s[tick.PULL : tick.NEXT_PULL] != s[tick.NEXT_PULL : tick.NEXT_PULL + 12]
        )
        other = tick.PUSH if direction > 0 else tick.PULL
        other_offset = tick.OFFSET_mN + (direction > 0)
        other_mN = s[other] + s[other_offset]
        injected_J = rig.plant.injected_J
        rig.step(1)
        latched = s[tick.FAULTS] | s[tick.FAULTS_MAIN]
        self._worst["faults"] |= latched
        is_blind = bool(latched & _BLIND)
        if is_blind:
            self._injected_blind_J += rig.plant.injected_J - injected_J
        self._watch_the_way(is_blind)
        if rig.board.s is not s or s[tick.SAMPLE_INDEX] == index:
            return  # the tick did not come

        rise = s[tick.BRAKE_mN] - brake
        self._note("rise_mN", rise)
        self._note("lowest_mN", -s[tick.BRAKE_mN])
        is_ramping = ramp_ticks or s[tick.RAMP_TICKS]
        if s[tick.ENABLE] and not is_ramping and not s[tick.LIMITS] & _TAKEN_AWAY:
            self._note("fall_mN", -rise)
        if s[tick.PERMIT] == tick.PERMIT_RAISE and s[tick.ENABLE] and direction == s[tick.DIRECTION]:
            asked = 0 if is_new else max(0, s[tick.LAW_mN] - law)
            self._note("raise_mN", s[tick.LEVEL_mN] - level - asked)
            self._note("raise_mN", s[other] + s[other_offset] - other_mN)

    def _watch_the_way(self, is_blind: bool) -> None:
        """A sled that moves another way than before must be moved that way by somebody."""
        plant = self.rig.plant
        v = plant.v_m_per_s
        way = 1 if v > 0 else -1 if v < 0 else 0
        if way != self._way:
            self._way = way
            self._is_explained = False
        if way and not self._is_explained:
            if plant.hitch_N * way > plant.sled.rolling_N:
                self._is_explained = True
            else:
                self._note("reversed_blind_m_per_s" if is_blind else "reversed_m_per_s", abs(v))

    def _note(self, name: str, value: float) -> None:
        if value > self._worst[name]:
            self._worst[name] = value

    @property
    def outcome(self) -> Outcome:
        """So far."""
        worst = self._worst | {
            "injected_J": self.rig.plant.injected_J - self._injected_blind_J,
            "injected_blind_J": self._injected_blind_J,
        }
        return Outcome(**worst)


def run(
    pull: dict[str, int],
    acts: list[Act],
    config: RigConfig = RigConfig(),  # noqa: B008 - immutable
    driver_kind: type[Driver] = SignedDriver,
    push: dict[str, int] | None = None,
) -> Outcome:
    """Roll it under its load, then let `acts` happen, under the firmware as it is; then hands off."""
    trial = Trial(pull, push, config, driver_kind).start()
    for act in [*acts, Act(0.0, 0.3)]:
        trial.do(act)
    return trial.outcome


def naive_tick(s: Any, ring: Any) -> int:
    """The law F * sign(v), to take the firmware's place: v by the usual low-pass of 10 ms."""
    counts = s[tick.COUNTS]
    s[tick.VELOCITY_mm_per_s_q10] += (
        (counts - s[tick.LAST_COUNTS]) * 129_589 - s[tick.VELOCITY_mm_per_s_q10]
    ) // 10
    s[tick.LAST_COUNTS] = counts
    s[tick.SAMPLE_INDEX] += 1
    s[tick.BRAKE_mN] = s[tick.PULL] if abs(s[tick.VELOCITY_mm_per_s_q10]) > 10 * 1024 else 0
    s[tick.DUTY] = s[tick.BRAKE_mN] * tick.DUTY_MAX // 800_000
    s[tick.ENABLE] = int(s[tick.PERMIT] > tick.PERMIT_DROP)
    s[tick.FEED_WATCHDOG] = 1
    if s[tick.LOAD_PENDING]:
        s[tick.LOAD_PENDING] = 0
        s[tick.PULL] = s[tick.NEXT_PULL]
    return 0
