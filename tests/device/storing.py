"""What tests of stored settings and loads do to a simulated sled, and what they look at."""

from device.sled import layout, storage, tick
from protocol.settings import SETTINGS
from sim.rig import Rig, RigConfig
from tests.device.desk import Desk

NUMBERS = {setting.name: setting.number for setting in SETTINGS}
DEFAULTS = tuple(setting.default for setting in SETTINGS)
DAMAGED = 1 << layout.FAULT_SETTINGS_DAMAGED
LOAD = tuple([100_000, 30_000, 0, 0, 0, 0] * 2)
IDLE_ticks = 2600  # after which a last load has been stored


def with_value(name: str, value: int) -> tuple[int, ...]:
    """All settings at their defaults but one."""
    values = list(DEFAULTS)
    values[NUMBERS[name]] = value
    return tuple(values)


def record(generation: int, value: int = DEFAULTS[11], load: tuple[int, ...] = ()) -> bytes:
    """A stored record that differs from the defaults in trim_max_mN."""
    packed: bytes = storage.pack(generation, with_value("trim_max_mN", value), load)  # type: ignore[no-untyped-call]
    return packed


def booted(*slots: bytes) -> Rig:
    """A sled whose flash holds these slots."""
    rig = Rig(RigConfig())
    rig.flash.slots = [*slots]
    rig.reboot()
    return rig


def in_force(rig: Rig) -> tuple[int, ...]:
    return tuple(rig.board.s[tick.SETTINGS_AT : tick.SETTINGS_AT + len(SETTINGS)])


def last_load(rig: Rig) -> tuple[int, ...]:
    return tuple(rig.app.last_load)


def change(desk: Desk, **values: int) -> None:
    """Set settings over the wire."""
    for name, value in values.items():
        answer = desk.say("SET_SETTING", setting=NUMBERS[name], setting_value=value)
        assert answer.fields["result"] == layout.RESULT_OK


def save(desk: Desk) -> int:
    """Result of SAVE_SETTINGS."""
    return int(desk.say("SAVE_SETTINGS").fields["result"])


def hold(desk: Desk, force_mN: int, lease_ms: int = 0) -> None:
    """Arm, hold a load, and drop it again."""
    desk.say("ARM")
    assert desk.set_load(force_mN, lease_ms).fields["result"] == layout.RESULT_OK
    desk.say("STOP", stop_kind=layout.STOP_DROP)
