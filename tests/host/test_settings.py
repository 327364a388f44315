"""`host settings` with a simulated sled that all commands of a test find; once in processes of their own."""

import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from host import cli
from host.commands.settings import unit
from host.errors import NoDevice
from host.session import Session
from host.transport import open_port
from protocol.settings import SETTINGS
from tests.host.command_line import Host, Outcome
from tests.host.test_start_up import DENIED, imported

NAMES = [setting.name for setting in SETTINGS]


class Sled:
    """One simulated sled, and the command line of this process with it."""

    def __init__(self) -> None:
        self.port: Any = open_port("sim://")
        self.rig = self.port.rig

    def connect(self, port: str | None) -> Session:
        session = Session(self.port, "sim://")
        session.close = lambda: None  # type: ignore[method-assign] - the sled outlives the command
        session.hello()
        return session

    def __call__(self, *words: str) -> Outcome:
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
            cli.main(words)
        assert isinstance(end.value.code, int)
        return Outcome(end.value.code, out.getvalue(), err.getvalue())

    def rows(self, *words: str) -> dict[str, Any]:
        """What is shown of each setting."""
        outcome = self("--json", "settings", *words)
        assert outcome.code == 0, outcome
        return {row["name"]: row for row in outcome.answer["settings"]}

    def values(self) -> dict[str, int]:
        return {name: row["value"] for name, row in self.rows().items()}


@pytest.fixture
def sled(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sled]:
    sled = Sled()
    monkeypatch.setattr("host.ports.connect", sled.connect)
    yield sled
    sled.port.close()


DEFAULTS = {setting.name: setting.default for setting in SETTINGS}


def test_all_settings_are_listed_and_what_differs_is_marked(sled: Sled) -> None:
    assert sled.values() == DEFAULTS
    sled("settings", "set", "hold_s=900", "trim_max_mN=0")
    lines = sled("settings").stdout.splitlines()
    assert len(lines) == 1 + len(SETTINGS)
    marked = [line for line in lines if line.startswith("*")]
    assert [line.split()[1:7] for line in marked] == [
        ["11", "trim_max_mN", "0", "mN", "30000", "0..100000"],
        ["21", "hold_s", "900", "s", "600", "10..3600"],
    ]
    assert marked[1].endswith("time without motion after which a held load is released")


def test_the_json_of_a_setting_says_all_there_is_to_know(sled: Sled) -> None:
    answer = sled("--json", "settings", "get", "raise_mN_per_s").answer
    assert answer["ok"] is True and answer["device"]["simulated"] is True
    assert answer["settings"] == [
        {
            "number": 8,
            "name": "raise_mN_per_s",
            "default": 180_000,
            "minimum": 1_000,
            "maximum": 400_000,
            "doc": "how fast a new load may rise",
            "value": 180_000,
            "unit": "mN/s",
        }
    ]
    assert list(sled.rows("get", "hold_s", "bus_low_mV")) == ["hold_s", "bus_low_mV"]


def test_every_setting_has_a_unit() -> None:
    assert {unit(name) for name in NAMES} == {
        "g", "mN", "mN s/m", "um/1024 counts", "raw", "uN/raw", "mN/s", "ticks", "um", "mm/s", "counts",
        "mV", "cC", "s",
    }  # fmt: skip


@examples(max_examples=60, deadline=None)
@given(number=st.integers(0, len(SETTINGS) - 1), data=st.data())
def test_a_value_within_its_range_is_set_and_any_other_is_not(number: int, data: Any) -> None:
    setting = SETTINGS[number]
    value = data.draw(
        st.integers(setting.minimum, setting.maximum) | st.integers(setting.minimum - 5, setting.maximum + 5)
    )
    sled = Sled()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("host.ports.connect", sled.connect)
        outcome = sled("--json", "settings", "set", f"{setting.name}={value}")
        is_good = setting.minimum <= value <= setting.maximum
        assert outcome.code == (0 if is_good else 2), outcome
        assert sled.values() == DEFAULTS | ({setting.name: value} if is_good else {})


def test_a_change_lasts_until_the_reset_unless_it_is_saved(sled: Sled) -> None:
    outcome = sled("settings", "set", "hold_s=900")
    assert "hold_s: 600 -> 900 s" in outcome.stdout and "host settings save" in outcome.stdout
    sled.rig.reboot()
    assert sled.values() == DEFAULTS
    assert "saved" in sled("settings", "set", "hold_s=900", "trim_max_mN=7", "--save").stdout
    sled("settings", "set", "hold_s=30")
    sled.rig.reboot()
    assert sled.values() == DEFAULTS | {"hold_s": 900, "trim_max_mN": 7}
    sled("settings", "set", "hold_s=30")
    assert sled("--json", "settings", "save").answer["saved"] is True
    sled.rig.reboot()
    assert sled.values()["hold_s"] == 30


def test_reset_puts_back_every_default_for_now_or_for_good(sled: Sled) -> None:
    sled("settings", "set", "hold_s=900", "trim_max_mN=7", "--save")
    lines = sled("settings", "reset").stdout.splitlines()
    assert lines[:2] == ["trim_max_mN: 7 -> 30000 mN", "hold_s: 900 -> 600 s"]
    assert sled.values() == DEFAULTS
    sled.rig.reboot()
    assert sled.values()["hold_s"] == 900
    rows = sled.rows("reset", "--save")
    assert (rows["hold_s"]["before"], rows["hold_s"]["value"]) == (900, 600)
    sled.rig.reboot()
    assert sled.values() == DEFAULTS
    assert sled("settings", "reset").stdout == "nothing to change\n"


def test_flash_is_spared_what_it_holds_already(sled: Sled) -> None:
    for _ in range(3):
        assert sled("settings", "set", "hold_s=900", "--save").code == 0
    assert sled.rig.flash.writes == 1


@pytest.mark.parametrize("words", [("set", "hold_s=900"), ("set", "hold_s=600", "--save"), ("save",)])
def test_an_armed_sled_refuses_and_says_what_to_do(sled: Sled, words: tuple[str, ...]) -> None:
    with sled.connect(None) as session:
        session.request("ARM")
    outcome = sled("settings", *words)
    assert outcome.code == 4 and "armed" in outcome.stderr and outcome.stderr.endswith("try: host stop\n")
    assert sled.values() == DEFAULTS and sled.rig.flash.writes == 0
    assert sled("settings").code == 0, "looking is always allowed"


@pytest.mark.parametrize(
    "words",
    [
        ("get",),
        ("get", "hold"),
        ("set",),
        ("set", "hold_s"),
        ("set", "hold_s="),
        ("set", "hold_s=1.5"),
        ("set", "hold_s=900s"),
        ("set", "hold_s=9"),
        ("set", "hold_s=-900"),
        ("set", "hold_s=900", "hold_s=901"),
        ("set", "hold_s=900", "nonsense=1"),
        ("set", "=1"),
        ("reset", "hold_s"),
        ("frobnicate",),
    ],
)
def test_what_cannot_be_meant_is_told_before_anything_is_sent(
    sled: Sled, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def nobody(port: str | None) -> Session:
        raise NoDevice("asked for a sled", "host ports")

    monkeypatch.setattr("host.ports.connect", nobody)
    outcome = sled("settings", *words)
    assert outcome.code == 2 and outcome.stdout == ""
    assert outcome.stderr.count("\n") == 1 and "; try: host settings" in outcome.stderr
    assert sled("--json", "settings", *words).answer["code"] == 2


def test_a_misspelt_name_is_answered_with_the_nearest(sled: Sled) -> None:
    assert "did you mean trim_max_mN?" in sled("settings", "get", "trim_max").stderr


def test_a_sled_that_cannot_keep_them_says_so(sled: Sled) -> None:
    def no_room(number: int, buffer: bytes, length: int) -> None:
        raise OSError(28, "no space")

    sled.rig.board.save_slot = no_room
    outcome = sled("--json", "settings", "set", "hold_s=900", "--save")
    assert outcome.code == 4 and "could not keep the settings" in outcome.answer["error"]
    assert sled.values()["hold_s"] == 900
    sled.rig.reboot()
    assert sled.values() == DEFAULTS


def test_an_older_firmware_shows_what_it_has(sled: Sled, monkeypatch: pytest.MonkeyPatch) -> None:
    from device.sled import layout

    monkeypatch.setattr(layout, "SETTINGS", layout.SETTINGS[:20])
    values = sled.values()
    assert [name for name, value in values.items() if value is None] == NAMES[20:]
    assert "the sled's firmware does not have it" in sled("settings", "set", "hold_s=900").stdout
    lines = sled("settings").stdout.splitlines()
    assert not any(line.startswith("*") for line in lines) and "unknown" in lines[-1]


def test_settings_outlive_the_process_and_the_reset_of_a_served_sled(host: Host) -> None:
    with host.sim() as sim:
        port = sim["ports"][-1]
        assert host("--port", port, "settings", "set", "hold_s=900", "--save").code == 0
        with Session(open_port(port), port) as session:
            before = session.hello().boot_id
            session.request("REBOOT")
            while session.hello().boot_id == before:
                pass
        answer = host("--port", port, "settings", "get", "hold_s", "--json").answer
        assert answer["settings"][0]["value"] == 900


def test_settings_import_nothing_heavy(host: Host) -> None:
    assert imported(host, DENIED, "--port", "sim://", "settings", "set", "hold_s=900", "--save") == "[]"


@pytest.mark.parametrize(
    "words", [("settings",), *[("settings", word) for word in ("get", "set", "save", "reset")]]
)
def test_help_teaches_with_examples(sled: Sled, words: tuple[str, ...]) -> None:
    text = sled(*words, "--help").stdout
    assert "Examples:" in text and f"host {' '.join(words)}" in text and "Exit codes:" in text
    assert text == json.loads(sled("--json", *words, "--help").stdout)["help"]
