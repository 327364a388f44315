"""What people do for each calibration, and what telemetry tells meanwhile; `calibration` does the sums.

Loads are only set for the brake: leased, so that the sled lets go if this program dies, and stopped at
the end whatever happens. Nothing here changes a setting.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from host.calibration import braking, coasting
from host.calibration.recording import recordings
from host.calibration.rest import Rest, at_rest
from host.errors import HostError, LinkError, Refused
from host.loading import applied, fault_refusal, set_leased
from host.loads import Load
from host.session import Session
from host.setting_changes import BadMeasurement, read_setting
from host.telemetry import Lost, Sample, Telemetry
from protocol import codes

Say = Callable[[str], None]

_LOOK_s = 0.25
_MODES = {mode.number: mode.name for mode in codes.MODES}
_ARMED = ("ARMED", "LOADING", "RAMPING_DOWN")
_RAMP_s = 1.5
# At rest.
_SPREAD_MAX_N = 1.0
_TRAVEL_MAX_m = 0.0005
_WEIGHT_WAIT_s = 60.0
_WEIGHT_SHARE = 0.5  # of the known force, from which on a weight hangs
# Coasting.
_MOVES_m_per_s = 0.03
_STANDS_s = 0.5
_EPISODE_MAX_s = 60.0
_NO_SHOVE_s = 90.0
_RUNS_FACTOR = 3  # so many times the runs that were asked for, at most
_WIDE_N = 0.5
_WIDE_SHARE = 0.05
# Braking.
_WINDOWS = 8
_CHUNK_s = 6.0
_LOAD_WAIT_s = 120.0


def refuse_if_armed(session: Session) -> None:
    """Raises Refused while the brake may act."""
    if _MODES.get(session.request("GET_STATUS").fields["mode"]) in _ARMED:
        raise Refused("the sled is armed, and is calibrated only while it is not", "host stop")


@contextmanager
def _streaming(session: Session) -> Iterator[Telemetry]:
    telemetry = Telemetry(session)
    telemetry.start()
    try:
        yield telemetry
    finally:
        with suppress(HostError):
            session.request("STREAM", enabled=0, sample_index=0)


def _period_s(session: Session) -> float:
    assert session.device is not None and session.device.sample_period_s is not None  # HELLO is done
    return session.device.sample_period_s


def _samples(telemetry: Telemetry, for_s: float) -> list[Sample]:
    return [item for item in telemetry.run(for_s) if not isinstance(item, Lost)]


def measure_rest(session: Session, for_s: float) -> Rest:
    """The load cell's reading over `for_s` seconds. Raises BadMeasurement if it moves, or the wheel turns."""
    with _streaming(session) as telemetry:
        pieces = recordings(_samples(telemetry, for_s), _period_s(session))
    whole = max(pieces, key=lambda piece: piece.duration_s, default=None)
    if whole is None or whole.duration_s < 0.7 * for_s:
        raise LinkError("too many samples were lost on the way", "host monitor --seconds 10")
    return _checked(at_rest(whole))


def _checked(rest: Rest) -> Rest:
    if rest.travel_m > _TRAVEL_MAX_m:
        raise BadMeasurement(
            f"the wheel turned by {rest.travel_m * 1000:.1f} mm: chock the wheels, let nobody touch the sled",
            "host calibrate --help",
        )
    if rest.spread_N > _SPREAD_MAX_N:
        raise BadMeasurement(
            f"the reading moved by {rest.spread_N:.1f} N: let everything come to rest, nobody touches it",
            "host calibrate --help",
        )
    return rest


def measure_weight(session: Session, force_N: float, for_s: float, say: Say) -> Rest:
    """The reading over `for_s` once a force of about that hangs on the hitch.

    Raises BadMeasurement if none comes within a minute, or it does not hang still.
    """
    begun_s = session.now()
    with _streaming(session) as telemetry:
        while True:
            samples = _samples(telemetry, 2 * _LOOK_s)
            readings = [abs(sample.tow_force_N) for sample in samples]
            if readings and min(readings) > _WEIGHT_SHARE * force_N:
                break
            if session.now() - begun_s > _WEIGHT_WAIT_s:
                raise BadMeasurement(
                    f"no force of about {force_N:.0f} N came within {_WEIGHT_WAIT_s:g} s",
                    "host status (hang the weight, and read the tow force)",
                )
        for _ in telemetry.run(2.0):
            pass  # the weight comes to rest
    say(f"something hangs; measuring for {for_s:g} s ...")
    return measure_rest(session, for_s)


def measure_friction(session: Session, mass_kg: float, runs: int, say: Say) -> coasting.Friction:
    """Rolling friction from at least so many free runs, more until it is certain enough.

    Raises BadMeasurement when nobody shoves any more, or three times as many runs do not agree.
    """
    rolls: list[coasting.Roll] = []
    moved_s = session.now()
    heard: list[Sample] = []
    is_moving = False
    with _streaming(session) as telemetry:
        while True:
            now_s = session.now()
            if now_s - moved_s > _NO_SHOVE_s:
                raise BadMeasurement(
                    f"nobody shoved the sled for {_NO_SHOVE_s:g} s; {len(rolls)} of {runs} runs are there",
                    "host calibrate friction",
                )
            samples = _samples(telemetry, _LOOK_s)
            heard += samples
            if any(abs(sample.velocity_m_per_s) > _MOVES_m_per_s for sample in samples):
                moved_s, is_moving = session.now(), True
            is_over = now_s - moved_s > _STANDS_s or len(heard) * _period_s(session) > _EPISODE_MAX_s
            if not is_over:
                continue
            if is_moving:
                found = [
                    roll
                    for piece in recordings(heard, _period_s(session))
                    for roll in coasting.find_rolls(piece)
                ]
                _tell_rolls(found, len(rolls), say)
                rolls += found
                if found and len(rolls) >= runs:
                    friction = coasting.fit(rolls, mass_kg)
                    why = _too_wide(friction)
                    if not why:
                        return friction
                    if len(rolls) >= _RUNS_FACTOR * runs:
                        raise BadMeasurement(
                            f"{len(rolls)} runs do not agree ({why}): find a level, even floor",
                            "host calibrate friction",
                        )
                    say(f"{why}: that is too wide, so shove it some more")
            heard, is_moving = [], False


def _tell_rolls(found: Sequence[coasting.Roll], before: int, say: Say) -> None:
    if not found:
        say("too short to be used: bring the sled to a brisk walk, then take both hands off until it stands")
    for number, roll in enumerate(found, before + 1):
        side = "hitch side in front" if roll.direction > 0 else "hitch side behind"
        say(f"run {number}: {roll.length_m:.1f} m from {roll.first_m_per_s:.1f} m/s, {side}")


def _too_wide(friction: coasting.Friction) -> str:
    """Where the interval is too wide, in words; empty where it is narrow enough at both ends of the speed."""
    for speed in (friction.slowest_m_per_s, friction.fastest_m_per_s):
        force = friction.at(speed)
        if force.half_width > max(_WIDE_N, _WIDE_SHARE * abs(force.value)):
            return f"{force.value:.1f} ± {force.half_width:.1f} N at {speed:.1f} m/s"
    return ""


def own_forces(session: Session) -> braking.Own:
    """What the sled does by itself, as its settings have it."""
    names = ("bare_mass_g", "rolling_mN", "rolling_mN_s_per_m")
    return braking.Own(*(read_setting(session, name) / 1000 for name in names))


def measure_brake(
    session: Session, loads_N: Sequence[float], own: braking.Own, say: Say, is_over: Callable[[], bool]
) -> braking.Brake:
    """The brake's scale from pulling at each of these loads. Leaves the sled idle, whatever happens.

    Raises BadMeasurement if nobody pulls steadily, Refused if the sled lets go, KeyboardInterrupt once
    `is_over`.
    """
    loads: list[list[braking.Pull]] = []
    with _streaming(session) as telemetry:
        try:
            for load_N in loads_N:
                load = Load(force_N=load_N, inertia_kg=own.mass_kg)
                set_leased(session, load, load)
                say(f"{load_N:g} N: pull or push the sled steadily, at a walk ...")
                loads.append(_pulls_at(session, telemetry, own, load_N, is_over))
                mean_N = sum(pull.brake_N for pull in loads[-1]) / len(loads[-1])
                say(f"{load_N:g} N: {len(loads[-1])} s of steady motion, the brake made {mean_N:.1f} N")
        finally:
            session.stop()
    _wait_until_idle(session)
    return braking.fit(loads)


def _pulls_at(
    session: Session, telemetry: Telemetry, own: braking.Own, load_N: float, is_over: Callable[[], bool]
) -> list[braking.Pull]:
    pulls: list[braking.Pull] = []
    heard: list[Sample] = []
    begun_s = session.now()
    while len(pulls) < _WINDOWS:
        heard += _samples(telemetry, _LOOK_s)
        if is_over():
            raise KeyboardInterrupt
        _refuse_if_let_go(session)
        if len(heard) * _period_s(session) >= _CHUNK_s:
            for piece in recordings(heard, _period_s(session)):
                pulls += braking.find_pulls(piece, own)
            heard = []
        if session.now() - begun_s > _LOAD_WAIT_s:
            raise BadMeasurement(
                f"only {len(pulls)} of {_WINDOWS} s of steady motion at {load_N:g} N came within "
                f"{_LOAD_WAIT_s:g} s: keep the sled moving at 0.3 m/s or more, or take lighter loads",
                "host calibrate brake --load 50N --load 100N --load 150N",
            )
    return pulls


def _refuse_if_let_go(session: Session) -> None:
    status = session.request("GET_STATUS").fields
    mode = _MODES.get(status["mode"])
    if mode == "FAULT":
        raise fault_refusal(status["faults"])
    if session.lease_lost or mode not in ("ARMED", "LOADING"):
        why = session.lease_lost or f"it is {applied(status).state.replace('_', ' ')}"
        raise Refused(f"the sled let go of the load: {why.rstrip('.')}", "host status")


def _wait_until_idle(session: Session) -> None:
    deadline_s = session.now() + _RAMP_s
    while session.now() < deadline_s:
        if _MODES.get(session.request("GET_STATUS").fields["mode"]) not in _ARMED:
            return
        for _ in session.messages(_LOOK_s):
            pass  # time passes
