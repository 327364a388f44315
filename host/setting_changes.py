"""Settings of the device that a calibration proposes: read, checked against their range, shown, applied."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from host.errors import BadValue, Refused
from host.session import Session
from protocol import codes
from protocol.settings import SETTINGS, Setting

_SETTINGS = {setting.name: setting for setting in SETTINGS}
_UNSUPPORTED = next(code.number for code in codes.RESULTS if code.name == "UNSUPPORTED")

#: What people call a setting, its value in their unit for one of its own, and that unit.
_WORDS = {
    "cell_zero_raw": ("load-cell zero", 1, "steps"),
    "cell_uN_per_raw": ("load-cell span", 1e-3, "mN a step"),
    "rolling_mN": ("rolling friction near standstill", 1e-3, "N"),
    "rolling_mN_s_per_m": ("its growth with speed", 1e-3, "N for each m/s"),
    "brake_full_scale_mN": ("brake at full command", 1e-3, "N"),
}


class BadMeasurement(BadValue):
    """What was measured cannot be used; nothing was changed."""


class Change(NamedTuple):
    """A new value for a setting, all in the setting's own unit."""

    setting: Setting
    old: int
    new: int
    half_width: float  #: of the 95 % confidence interval

    @property
    def line(self) -> str:
        """For people, in their units."""
        what, factor, unit = _WORDS[self.setting.name]
        digits = 0 if factor == 1 else 3
        old, new, half = (f"{value * factor:.{digits}f}" for value in (self.old, self.new, self.half_width))
        half = half if float(half) else f"{self.half_width * factor:.1g}"
        return f"{what}: {old} -> {new} {unit}, ± {half} (95 %)"

    @property
    def fields(self) -> dict[str, Any]:
        """For scripts, in the setting's own unit."""
        return {
            "setting": self.setting.name,
            "old": self.old,
            "new": self.new,
            "half_width_95": round(self.half_width, 3),
        }


def read_setting(session: Session, name: str) -> int:
    """Present value of a setting on the device, in its own unit."""
    reply = session.request("GET_SETTING", setting=_SETTINGS[name].number)
    value: int = reply.fields["setting_value"]
    return value


def proposed(name: str, old: int, new: int, half_width: float, hint: str) -> Change:
    """A change within the setting's range. Raises BadMeasurement, with the next command, for one outside."""
    change = Change(_SETTINGS[name], old, new, half_width)
    lowest, highest = change.setting.minimum, change.setting.maximum
    if not lowest <= new <= highest:
        what, factor, unit = _WORDS[name]
        raise BadMeasurement(
            f"the {what} would have to be {new * factor:g} {unit}, and only {lowest * factor:g} to "
            f"{highest * factor:g} can be meant: nothing was changed",
            hint,
        )
    return change


def apply(session: Session, changes: Sequence[Change]) -> bool:
    """Set all of them, then have the device keep them. False if this firmware cannot keep them over a reset.

    Raises Refused with the device's reason, as while it is armed.
    """
    for change in changes:
        session.request("SET_SETTING", setting=change.setting.number, setting_value=change.new)
    try:
        session.request("SAVE_SETTINGS")
    except Refused as refusal:
        if refusal.result != _UNSUPPORTED:
            raise
        return False
    return True
