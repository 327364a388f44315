"""`host calibrate` end to end: firmware, wire and telemetry are the real ones, the truth the simulator's."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from math import sin
from typing import Any

import pytest

from device.sled import tick as firmware
from host import calibrating, setting_changes
from host.calibration.rest import zero_raw
from host.errors import Refused
from host.session import Session
from host.setting_changes import BadMeasurement
from host.transport import open_port
from protocol.settings import SETTINGS
from sim.people.athlete import Person, ScriptedForce
from sim.people.helpers import Coaster
from sim.rig import ESTOP, Rig
from sim.world.plant import Plant
from tests.host.command_line import Host

MASS_kg, ROLLING_N, SLOPE_N_s_per_m = 30.0, 11.2, 1.1
LOADS_N = (75.0, 150.0, 225.0, 300.0)


@contextmanager
def sled(parameters: str = "", person: Person | None = None) -> Iterator[tuple[Session, Any]]:
    """A session with a simulated sled, and the rig behind it."""
    with Session(open_port(f"sim://?{parameters}"), "sim://") as session:
        session.hello()
        rig = session.port.rig  # type: ignore[attr-defined]
        if person is not None:
            rig.person = person
        yield session, rig


def teach(session: Session, rig: Rig, *names: str) -> None:
    """Give the firmware the truth of these settings, as if they had been calibrated before."""
    truth = {
        "bare_mass_g": rig.sled.mass_kg * 1000,
        "um_per_1024_counts": 1024e6 / rig.encoder._counts_per_m,
        "rolling_mN": rig.sled.rolling_N * 1000,
        "rolling_mN_s_per_m": rig.sled.rolling_N_s_per_m * 1000,
        "cell_uN_per_raw": min(1e6 / rig.cell._steps_per_N, 32_000),
        "cell_zero_raw": 32_768 + rig.cell.offset_N / (2000 / 65536),
    }
    for setting in SETTINGS:
        if setting.name in names:
            value = round(truth[setting.name])
            session.request("SET_SETTING", setting=setting.number, setting_value=value)


def ignore(line: str) -> None:
    """Nobody reads it."""


def never() -> bool:
    return False


# Zero.


def test_the_zero_is_found_applied_and_looked_at_again(host: Host) -> None:
    outcome = host("--json", "--port", "sim://?perturb=0.4&seed=5", "calibrate", "zero", "--yes")
    answer = outcome.answer
    assert outcome.code == 0 and answer["applied"] is True
    assert abs(answer["measured"]["before_N"]["value"]) > 0.5  # that instance was off
    after = answer["measured"]["after_N"]
    assert abs(after["value"]) < 0.1 and after["half_width_95"] < 0.1
    (change,) = answer["changes"]
    assert change["setting"] == "cell_zero_raw" and change["old"] == 32_768 != change["new"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_zero_is_right_to_a_tenth_of_a_newton(seed: int) -> None:
    with sled(f"perturb=0.2&seed={seed}") as (session, rig):
        new, left = zero_raw(calibrating.measure_rest(session, 10.0).force_N, 32_768, 30_518)
        # Of the offset the converter's wide codes may add 1 %.
        truth = 32_768 + rig.cell.offset_N / (2000 / 65536)
        assert abs(new - truth) * 0.0305 < 0.1 + 0.01 * abs(rig.cell.offset_N)
        assert left.half_width < 0.05


def test_a_reading_that_moves_is_no_zero() -> None:
    with (
        sled(person=ScriptedForce(lambda now_s: 5.0 * sin(now_s))) as (session, _),
        pytest.raises(BadMeasurement, match="the reading moved by"),
    ):
        calibrating.measure_rest(session, 10.0)


def test_a_wheel_that_turns_is_not_at_rest(host: Host) -> None:
    outcome = host("--port", "sim://?athlete=coaster", "calibrate", "zero", "--yes")
    assert outcome.code == 2 and "the wheel turned by" in outcome.stderr and "try:" in outcome.stderr


# Span.


def test_a_known_weight_gives_the_span_within_its_interval(host: Host) -> None:
    words = ("--json", "--port", "sim://?athlete=hanger", "calibrate", "span", "--mass", "20kg", "--yes")
    answer = host(*words).answer
    (change,) = answer["changes"]
    assert change["setting"] == "cell_uN_per_raw"
    assert abs(change["new"] - 30_518 / 0.995) < change["half_width_95"] < 0.02 * change["new"]
    # Whatever the converter makes of it, that weight now reads as itself.
    assert answer["measured"]["reading_N"]["value"] * change["new"] / 30_518 == pytest.approx(
        196.13, abs=0.02
    )


def test_a_weight_that_cannot_be_meant_is_refused(host: Host) -> None:
    outcome = host(
        "--json", "--port", "sim://?athlete=hanger", "calibrate", "span", "--force", "300N", "--yes"
    )
    assert outcome.code == 2 and "would have to be" in outcome.answer["error"]


def test_a_weight_that_does_not_come_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating, "_WEIGHT_WAIT_s", 5.0)
    with (
        sled() as (session, _),
        pytest.raises(BadMeasurement, match="no force of about 196 N came within 5 s"),
    ):
        calibrating.measure_weight(session, 196.0, 10.0, ignore)


# Friction.


def test_friction_is_found_from_somebody_who_shoves(host: Host) -> None:
    answer = host("--json", "--port", "sim://?athlete=coaster", "calibrate", "friction", "--yes").answer
    rolling, slope = answer["changes"]
    assert (rolling["setting"], slope["setting"]) == ("rolling_mN", "rolling_mN_s_per_m")
    assert rolling["new"] == pytest.approx(1000 * ROLLING_N, rel=0.03)
    assert slope["new"] == pytest.approx(1000 * SLOPE_N_s_per_m, rel=0.03)
    assert answer["measured"]["runs"] >= 6 and answer["measured"]["length_m"] > 10
    assert answer["applied"] is True


@pytest.mark.parametrize("seed", [7])
def test_friction_of_another_sled_is_found_too(seed: int) -> None:
    with sled(f"athlete=coaster&perturb=0.3&seed={seed}") as (session, rig):
        teach(session, rig, "bare_mass_g", "um_per_1024_counts", "cell_zero_raw")
        found = calibrating.measure_friction(session, rig.sled.mass_kg, 4, ignore)
        assert found.rolling_N.value == pytest.approx(rig.sled.rolling_N, rel=0.03)
        assert found.slope_N_s_per_m.value == pytest.approx(rig.sled.rolling_N_s_per_m, rel=0.03)


def test_shoves_that_are_too_feeble_are_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating, "_NO_SHOVE_s", 9.0)

    def force_N(now_s: float) -> float:
        return 40.0 if now_s % 4.0 < 0.6 and now_s < 8.0 else 0.0

    lines: list[str] = []
    with (
        sled(person=ScriptedForce(force_N)) as (session, _),
        pytest.raises(BadMeasurement, match="nobody shoved the sled for 9 s; 0 of 4 runs"),
    ):
        calibrating.measure_friction(session, MASS_kg, 4, lines.append)
    assert len(lines) == 2 and all("too short to be used" in line for line in lines)


class Dragging(Coaster):
    """Leaves a hand on the sled after each shove, more softly than the cell is trusted to tell."""

    def act(self, plant: Plant, now_s: float, is_enabled: bool) -> None:
        super().act(plant, now_s, is_enabled)
        if plant.v_m_per_s and not plant.touch_N:
            plant.touch_N = 1.6 * sin(round(10 * self._speed_m_per_s))


def test_runs_that_do_not_agree_are_repeated_and_at_last_refused() -> None:
    lines: list[str] = []
    with sled(person=Dragging(1)) as (session, _), pytest.raises(BadMeasurement, match="runs do not agree"):
        calibrating.measure_friction(session, MASS_kg, 4, lines.append)
    assert sum("too wide, so shove it some more" in line for line in lines) >= 4


# Brake.


@pytest.mark.parametrize("parameters", ["", "&perturb=0.1&seed=2"])
def test_the_brake_is_known_to_one_percent_of_what_the_cell_knows(parameters: str) -> None:
    with sled(f"athlete=recreational{parameters}") as (session, rig):
        names = ("bare_mass_g", "um_per_1024_counts", "rolling_mN", "rolling_mN_s_per_m")
        teach(session, rig, *names, "cell_uN_per_raw", "cell_zero_raw")
        held: list[int] = []
        own = calibrating.own_forces(session)

        def look(line: str) -> None:
            held.append(rig.board.s[firmware.LEASED])

        found = calibrating.measure_brake(session, LOADS_N, own, look, never)
        truth = rig.driver._step_N * 4095 / 800.0
        assert found.scale.value == pytest.approx(truth, rel=0.01)
        assert abs(found.scale.value - truth) < found.scale.half_width < 0.05
        assert set(held) == {1}  # each load only lives while this program does
        assert not rig.board.s[firmware.ENABLE] and rig.app.mode == 0
        change = setting_changes.proposed(
            "brake_full_scale_mN", 800_000, round(found.scale.value * 800_000), 1, ""
        )
        setting_changes.apply(session, [change])
        assert rig.board.s[firmware.BRAKE_FULL_SCALE_mN] == change.new


def test_giving_up_stops_the_sled() -> None:
    with sled("athlete=recreational") as (session, rig):
        own = calibrating.own_forces(session)
        with pytest.raises(KeyboardInterrupt):
            calibrating.measure_brake(session, LOADS_N, own, ignore, lambda: rig.ticks > 6000)
        assert rig.app.mode == 3  # at once, not when the lease lapses
        rig.step(1500)
        assert rig.app.mode == rig.app.faults() == 0
        assert rig.board.s[firmware.BRAKE_mN] == rig.board.s[firmware.ENABLE] == 0


def test_an_emergency_stop_ends_it_with_its_name() -> None:
    with sled("athlete=recreational") as (session, rig):

        def press(rig: Rig) -> None:
            rig.switches = ESTOP

        rig.schedule(5000, press)
        own = calibrating.own_forces(session)
        with pytest.raises(Refused, match="emergency stop is pressed"):
            calibrating.measure_brake(session, LOADS_N, own, ignore, never)


def test_nobody_at_the_hitch_is_an_error_and_the_load_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calibrating, "_LOAD_WAIT_s", 10.0)
    with sled() as (session, rig):
        own = calibrating.own_forces(session)
        with pytest.raises(BadMeasurement, match="only 0 of 8 s of steady motion at 75 N"):
            calibrating.measure_brake(session, LOADS_N, own, ignore, never)
        rig.step(1500)
        assert rig.app.mode == 0


# What all of them share.


def test_an_armed_sled_is_not_calibrated(host: Host) -> None:
    with host.sim():
        host("set-load", "100N")
        for step in (("zero",), ("span", "--mass", "20kg"), ("friction",), ("brake",)):
            outcome = host("--json", "calibrate", *step, "--yes")
            assert outcome.code == 4 and outcome.answer["hint"] == "host stop"


def test_a_dry_run_and_a_no_change_nothing_and_an_answer_does(host: Host) -> None:
    def zero_of(answer: dict[str, Any]) -> int:
        value = answer["changes"][0]["old"]
        assert isinstance(value, int)
        return value

    dry = ("--json", "calibrate", "zero", "--seconds", "2", "--dry-run")
    with host.sim():
        host("settings", "set", "cell_zero_raw=32868")  # 3 N off, many times what noise and drift make
        first = host(*dry).answer
        assert first["applied"] is False and first["saved"] is False
        for answer, applied in (("n\n", False), ("y\n", True)):
            done = subprocess.run(
                host.command("calibrate", "zero", "--seconds", "2"),
                cwd=host.folder, env=host.environment, input=answer, capture_output=True, text=True,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            assert ("nothing was changed" in done.stdout) is not applied
        second = host(*dry).answer
        assert zero_of(first) == 32_868 and abs(zero_of(second) - 32_768) < 10


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("weather",),
        ("zero",),  # --json cannot ask
        ("zero", "--yes", "--dry-run"),
        ("zero", "--yes", "--seconds", "1"),
        ("span", "--yes"),
        ("span", "--yes", "--mass", "20kg", "--force", "200N"),
        ("span", "--yes", "--mass", "200N"),
        ("span", "--yes", "--mass", "20"),
        ("span", "--yes", "--mass", "-20kg"),
        ("span", "--yes", "--mass", "nankg"),
        ("friction", "--yes", "--runs", "2"),
        ("brake", "--yes", "--load", "100N"),
        ("brake", "--yes", "--load", "100kg"),
    ],
)
def test_bad_usage_is_code_2_and_one_object(host: Host, words: tuple[str, ...]) -> None:
    outcome = host("--json", "--port", "sim://", "calibrate", *words)
    assert outcome.code == 2 and outcome.answer["code"] == 2 and outcome.answer["hint"].startswith("host")


def test_help_tells_the_order_and_imports_no_numpy(host: Host) -> None:
    outcome = host("calibrate", "--help")
    assert outcome.code == 0 and "In the order zero, span, friction, brake" in outcome.stdout
    program = "import sys; from host.cli import main\ntry: main(['calibrate', 'brake', '--help'])\n"
    program += "except SystemExit: print('numpy' in sys.modules)"
    done = subprocess.run(
        [*host.command()[:1], "-c", program], env=host.environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "False"


@pytest.mark.skipif(os.name == "nt", reason="SIGINT as a shell sends it")
def test_ctrl_c_while_pulling_stops_the_sled(host: Host) -> None:
    with host.sim("--athlete", "recreational", "--speed", "4"):
        process = subprocess.Popen(
            host.command("calibrate", "brake", "--yes"),
            cwd=host.folder, env=host.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline().startswith("75 N: pull or push")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        assert process.returncode == 130 and "interrupted" in errors
        assert host("--json", "status").answer["state"] == "idle"
