"""`host doctor`: each thing measured against what it should be; a line that is wrong is the exit code's."""

import os
from pathlib import Path
from typing import Any

import pytest

from host import permissions
from host.doctor import bare, checks, computer, sled
from host.doctor.checks import LOOK, OK, SKIPPED, WRONG, Check
from host.doctor.observing import Observation, observe
from host.ports import Candidate, connect
from host.session import Device
from protocol import codes, compat, layout
from tests.host.command_line import Host
from tests.host.peers import Peer

FAULTS = {fault.name: 1 << fault.number for fault in codes.FAULTS}
MODES = {mode.name: mode.number for mode in codes.MODES}
RESETS = {reset.name: reset.number for reset in codes.RESETS}


@pytest.fixture(scope="module")
def seen() -> tuple[Device, Observation]:
    """A simulated sled that stands."""
    with connect("sim://", is_shared=False) as session:
        observed = observe(session, 1.0)
        assert session.device is not None
        return session.device, observed


def verdicts(found: list[Check]) -> dict[str, str]:
    return {check.name: check.verdict for check in found}


def test_a_sled_that_stands_is_well(seen: tuple[Device, Observation]) -> None:
    device, observed = seen
    found = [
        *sled.firmware(device),
        *sled.faults(observed),
        *sled.link(observed),
        *sled.sensors(observed),
        *sled.power(observed),
    ]
    assert set(verdicts(found).values()) == {OK, SKIPPED}, checks.lines(found)
    assert [check.name for check in found if check.verdict == SKIPPED] == ["build"], (
        "a simulated one has none"
    )


def test_the_noise_of_each_sensor_is_a_number(seen: tuple[Device, Observation]) -> None:
    values = {check.name: check.value for check in [*sled.sensors(seen[1]), *sled.power(seen[1])]}
    assert values["load cell, noise"] == pytest.approx(0.56, abs=0.05)  # rms of the simulated amplifier
    assert values["battery, noise"] == pytest.approx(0.02, abs=0.01)
    assert values["motors, noise"] == pytest.approx(0.05, abs=0.02)
    assert values["encoder"] == 0


@pytest.mark.parametrize(
    ("changed", "name", "verdict"),
    [
        ({"samples": 500}, "telemetry", WRONG),
        ({"samples": 950}, "telemetry", LOOK),
        ({"lost": 3}, "losses", WRONG),
        ({"resends": 2}, "losses", LOOK),
        ({"silences": 1}, "losses", LOOK),
        ({"damaged_frames": 1}, "losses", LOOK),
        ({"trip_s": 0.05}, "round trip", LOOK),
        ({"trip_s": 0.5}, "round trip", WRONG),
        ({"trip_s": None}, "clock", WRONG),
        ({"drift_ppm": 900.0, "drift_error_ppm": 20.0}, "clock drift", LOOK),
        ({"drift_ppm": 900.0, "drift_error_ppm": 1_000.0}, "clock drift", OK),
        ({"travel_um": 50_000}, "encoder", LOOK),
        ({"travel_um": 50_000, "force_noise_N": 40.0}, "load cell, noise", SKIPPED),
        ({"travel_um": None}, "encoder", WRONG),
        ({"force_N": 30.0}, "load cell, reading", LOOK),
        ({"force_N": -900.0}, "load cell, reading", WRONG),
        ({"force_noise_N": 3.0}, "load cell, noise", LOOK),
        ({"force_noise_N": 0.0}, "load cell, noise", WRONG),
        ({"force_noise_N": 9.0}, "load cell, noise", WRONG),
        ({"bus_V": (41.0, 41.0)}, "battery", LOOK),
        ({"bus_V": (38.0, 38.0)}, "battery", WRONG),
        ({"bus_V": (56.0, 56.0)}, "battery", LOOK),
        ({"bus_V": (48.0, 49.0)}, "battery, noise", LOOK),
        ({"temperature_C": (90.0, 90.0)}, "motors", LOOK),
        ({"temperature_C": (105.0, 105.0)}, "motors", WRONG),
        ({"temperature_C": (-20.0, -20.0)}, "motors", WRONG),
        ({"temperature_C": (20.0, 30.0)}, "motors, noise", WRONG),
    ],
)
def test_what_is_not_as_expected_is_said_and_comes_with_a_hint(
    seen: tuple[Device, Observation], changed: dict[str, Any], name: str, verdict: str
) -> None:
    observed = (
        seen[1]._replace(seconds=1.0, **changed) if "samples" in changed else seen[1]._replace(**changed)
    )
    found = [*sled.link(observed), *sled.sensors(observed), *sled.power(observed)]
    check = next(check for check in found if check.name == name)
    assert check.verdict == verdict, checks.lines(found)
    assert check.hint or verdict in (OK, SKIPPED)


def test_noise_is_not_judged_of_a_sled_that_is_loaded(seen: tuple[Device, Observation]) -> None:
    status = {**seen[1].status, "mode": MODES["LOADING"]}
    assert verdicts(sled.sensors(seen[1]._replace(status=status)))["load cell, noise"] == SKIPPED


def test_each_latched_fault_is_a_line_with_what_clears_it(seen: tuple[Device, Observation]) -> None:
    status = {**seen[1].status, "faults": FAULTS["ESTOP"] | FAULTS["SETTINGS_DAMAGED"]}
    found = {check.name: check for check in sled.faults(seen[1]._replace(status=status))}
    assert found["fault ESTOP"].verdict == WRONG and "release the emergency stop" in found["fault ESTOP"].hint
    assert found["fault SETTINGS_DAMAGED"].verdict == LOOK


@pytest.mark.parametrize(("cause", "verdict"), [("POWER_ON", OK), ("REBOOT", OK), ("WATCHDOG", WRONG)])
def test_a_watchdog_reset_is_wrong(seen: tuple[Device, Observation], cause: str, verdict: str) -> None:
    found = verdicts(sled.firmware(seen[0]._replace(reset_cause=RESETS[cause])))
    assert found["last reset"] == verdict


def test_versions_and_slot_are_judged(seen: tuple[Device, Observation]) -> None:
    def firmware(**hello: int) -> dict[str, str]:
        asked = {
            "protocol_major": layout.PROTOCOL_MAJOR,
            "protocol_minor": layout.PROTOCOL_MINOR,
            "layout_hash": layout.LAYOUT_HASH,
        }
        return verdicts(sled.firmware(seen[0]._replace(compatibility=compat.check({**asked, **hello}))))

    assert firmware()["version"] == OK
    assert firmware(protocol_minor=layout.PROTOCOL_MINOR + 1)["version"] == LOOK
    assert firmware(layout_hash=1)["version"] == WRONG
    on_trial = seen[0]._replace(build_id=7, slot="b", is_on_trial=True)
    assert verdicts(sled.firmware(on_trial))["build"] == LOOK
    assert verdicts(sled.firmware(on_trial._replace(is_on_trial=False)))["build"] == OK


def test_a_folder_that_takes_no_files_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLED_CONFIG_DIR", str(tmp_path / "not yet there" / "settings"))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SLED_DATA_DIR", str(tmp_path / "file" / "recordings"))
    found = verdicts(computer.checks())
    assert found["settings folder"] == OK
    assert found["recordings folder"] == WRONG
    assert not (tmp_path / "not yet there").exists(), "looking changes nothing"


def test_a_port_that_this_user_may_not_open_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    denied = permissions.Access(False, "crw-rw---- root:dialout")
    monkeypatch.setattr(permissions, "access", lambda name: denied)
    monkeypatch.setattr(permissions, "remedy", lambda name: "sudo usermod")
    monkeypatch.setattr(computer, "candidates", lambda: [Candidate(("/dev/ttyACM0",), "Board in FS mode")])
    (check,) = (check for check in computer.checks() if check.name == "port /dev/ttyACM0")
    assert check.verdict == WRONG and check.hint == "sudo usermod"
    assert "crw-rw---- root:dialout" in check.measured


@pytest.mark.skipif(os.name != "posix", reason="ports have no files")
class TestPermissions:
    @pytest.fixture
    def port(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        """A file that belongs to a group which this user is not in."""
        path = tmp_path / "ttyACM0"
        path.write_text("")
        real = os.stat

        def state(name: Any, *args: Any, **kwargs: Any) -> os.stat_result:
            found = real(name, *args, **kwargs)
            return os.stat_result((0o020660, *found[1:5], 65_432, *found[6:])) if name == str(path) else found

        monkeypatch.setattr(permissions.os, "stat", state)
        monkeypatch.setattr(permissions.sys, "platform", "linux")
        return str(path)

    def test_the_group_of_the_port_is_the_one_to_join(
        self, port: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(permissions.os, "getgroups", lambda: [])
        assert permissions.remedy(port).startswith("sudo usermod -aG 65432 $USER, then log in again")
        assert permissions.UDEV_RULE in permissions.remedy(port)
        access = permissions.access(port)
        assert access is not None and access.words.startswith("crw-rw---- ")

    def test_who_is_in_the_group_already_needs_the_rule(
        self, port: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(permissions.os, "getgroups", lambda: [65_432])
        assert permissions.remedy(port) == permissions.UDEV_COMMAND

    def test_a_port_that_is_gone_has_no_access_to_tell_of(self, tmp_path: Path) -> None:
        assert permissions.access(str(tmp_path / "ttyACM9")) is None

    def test_the_rule_comes_before_systemd_reads_its_tag(self) -> None:
        assert Path(permissions.UDEV_FILE).name < "73-seat-late.rules"
        assert permissions.UDEV_FILE in permissions.UDEV_COMMAND


def test_the_command_is_well_on_a_simulated_sled(host: Host) -> None:
    done = host("--json", "--port", "sim://", "doctor", "--seconds", "1")
    assert done.code == 0, done.stderr
    assert done.answer["ok"] and done.answer["verdicts"]["wrong"] == 0 and done.answer["device"]["simulated"]
    assert {"name", "measured", "expected", "verdict", "hint", "value", "group"} == set(
        done.answer["checks"][0]
    )
    text = host("--port", "sim://", "doctor", "--seconds", "1")
    assert text.code == 0
    assert "load cell, noise" in text.stdout and "should be: 0.1 to 1.5 N rms" in text.stdout


def test_without_a_sled_the_computer_is_checked_all_the_same_and_the_exit_code_tells(host: Host) -> None:
    done = host("--json", "doctor")
    assert done.code == 7
    assert not done.answer["ok"] and done.answer["code"] == 7 and done.answer["hint"]
    names = [check["name"] for check in done.answer["checks"]]
    assert names[-1] == "at hand" and "recordings folder" in names
    text = host("doctor")
    assert text.code == 7 and "1 of" in text.stderr and "try:" in text.stderr


BANNER = (
    b'\r\nMicroPython v%s on 2023-12-27; Raspberry Pi Pico%s\r\nType "help()" for more information.\r\n>>> '
)


@pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")
class TestBareBoard:
    @pytest.mark.parametrize(
        ("version", "chip", "wrong"),
        [
            (b"1.22.0", b" with RP2040", "firmware"),
            (b"1.26.0-preview.12", b" with RP2040", "firmware"),
            (b"1.20.0", b" with RP2040", "MicroPython"),
            (b"1.24.1", b"2 with RP2350", "chip"),
        ],
    )
    def test_a_prompt_is_told_with_what_is_wrong_with_it(
        self, version: bytes, chip: bytes, wrong: str
    ) -> None:
        with Peer(lambda data: BANNER % (version, chip) if b"\x02" in data else b"") as peer:
            found = verdicts(bare.checks(peer.name))
            assert b"\x03" not in peer.received, "nothing is stopped that may be running there"
        assert [name for name, verdict in found.items() if verdict == WRONG] == [f"{wrong} at {peer.name}"]

    def test_what_is_no_prompt_is_not_told_of(self) -> None:
        with Peer() as silent, Peer(chatter=b"temperature 21.5\r\n") as other:
            assert bare.checks(silent.name) == bare.checks(other.name) == []
