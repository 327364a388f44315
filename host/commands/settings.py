"""`host settings`: what is set in the sled, changed, kept over a reset, or put back to the defaults."""

from collections.abc import Iterable, Mapping
from typing import Any

import click

from host import cli, view
from host.errors import BadValue, Refused
from host.session import Session
from protocol.codes import RESULTS
from protocol.settings import SETTINGS, Setting

_BY_NAME = {setting.name: setting for setting in SETTINGS}
_RESULTS = {code.name: code.number for code in RESULTS}
#: The first of these in a setting's name, and all behind it, is its unit.
_UNITS = {"g", "mN", "uN", "um", "mm", "mV", "cC", "s", "ticks", "counts", "raw"}
_UNSAVED = "in force until the next reset; `host settings save` keeps the settings"
_SAVED = "saved: the settings hold over a reset"


class _Group(cli.Command, click.Group):
    """Commands below a command; each takes the global options too."""


@click.group("settings", cls=_Group, invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> cli.Answer | None:
    """List the settings of the sled: number, name, value, unit, default, range, meaning.

    A * marks what differs from its default. Values are whole numbers in the unit at the end of the
    name: mN is a thousandth of a newton, cC a hundredth of a degree, um a thousandth of a millimetre.

    \b
    Examples:
      host settings
      host settings get hold_s
      host settings set hold_s=900 button_step_mN=20000 --save
      host settings reset --save
    """
    if ctx.invoked_subcommand is not None:
        return None
    return _shown(_BY_NAME)


@command.command("get", cls=cli.Command)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def get(names: tuple[str, ...]) -> cli.Answer:
    """Show single settings.

    \b
    Examples:
      host settings get hold_s
      host --json settings get force_max_mN raise_mN_per_s
    """
    return _shown([_setting(name).name for name in names])


@command.command("set", cls=cli.Command)
@click.argument("changes", metavar="NAME=VALUE...", nargs=-1, required=True)
@click.option("--save", is_flag=True, help="Keep the settings over a reset, all of them as they are then.")
def set_(changes: tuple[str, ...], save: bool) -> cli.Answer:
    """Change settings, until the next reset or for good. Refused while the sled is armed.

    \b
    VALUE is a whole number in the unit of the name: 900 s, 20000 mN. All of them are checked first.
    Examples:
      host settings set hold_s=900
      host settings set raise_mN_per_s=120000 button_step_mN=20000 --save
    """
    wanted: dict[str, int] = {}
    for change in changes:
        name, value = _parsed(change)
        if name in wanted:
            raise BadValue(f"{name} is given twice", f"host settings set {name}={value}")
        wanted[name] = value
    return _changed(wanted, save)


@command.command("save", cls=cli.Command)
def save() -> cli.Answer:
    """Keep the settings as they are now over resets and power cuts. Refused while the sled is armed.

    \b
    Examples:
      host settings save
    """
    return _changed({}, True)


@command.command("reset", cls=cli.Command)
@click.option("--save", is_flag=True, help="Keep the defaults over a reset.")
def reset(save: bool) -> cli.Answer:
    """Put all settings back to their defaults. What is changed is printed with its old value.

    \b
    Examples:
      host settings reset            until the next reset of the sled
      host settings reset --save     for good
    """
    return _changed({setting.name: setting.default for setting in SETTINGS}, save)


def unit(name: str) -> str:
    """Unit of a setting, from its name: `raise_mN_per_s` -> `mN/s`, `rolling_mN_s_per_m` -> `mN s/m`."""
    words = name.split("_")
    first = next(at for at, word in enumerate(words) if word in _UNITS)
    return " ".join(words[first:]).replace(" per ", "/")


def _setting(name: str) -> Setting:
    if name not in _BY_NAME:
        from difflib import get_close_matches

        near = get_close_matches(name, _BY_NAME, 1, 0.5)
        raise BadValue(
            f"there is no setting '{name}'" + (f"; did you mean {near[0]}?" if near else ""), "host settings"
        )
    return _BY_NAME[name]


def _parsed(change: str) -> tuple[str, int]:
    """Name and value of `NAME=VALUE`. Raises BadValue for what the sled could not take."""
    name, equals, text = change.partition("=")
    setting = _setting(name.strip())
    example = f"host settings set {setting.name}={setting.default}"
    if not equals:
        raise BadValue(f"'{change}' has no value", example)
    try:
        value = int(text)
    except ValueError:
        raise BadValue(
            f"'{text}' is no whole number of {unit(setting.name)}, which {setting.name} is set in", example
        ) from None
    if not setting.minimum <= value <= setting.maximum:
        raise BadValue(
            f"{setting.name} must be from {setting.minimum} to {setting.maximum}, not {value}", example
        )
    return setting.name, value


def _shown(names: Iterable[str]) -> cli.Answer:
    with _connect() as session:
        values = {name: _read(session, name) for name in names}
        return _answer(session, values, {}, _table(values))


def _changed(wanted: Mapping[str, int], is_saved: bool) -> cli.Answer:
    """Set what differs and save; the answer shows what was changed, from what to what."""
    with _connect() as session:
        before = {name: _read(session, name) for name in wanted}
        now = dict(before)
        changed: list[str] = []
        for name, value in wanted.items():
            if before[name] not in (value, None):
                now[name] = _write(session, name, value, changed)
                changed.append(name)
        if is_saved:
            _save(session)
        lines = [f"{name}: {before[name]} -> {now[name]} {unit(name)}" for name in changed]
        lines += [f"{name}: the sled's firmware does not have it" for name in wanted if now[name] is None]
        if is_saved:
            lines.append(_SAVED)
        else:
            lines.append(_UNSAVED if changed else "nothing to change")
        return _answer(session, now, {"saved": is_saved}, lines, before)


def _connect() -> Session:
    from host.ports import connect

    session = connect(cli.settings().port)
    if session.device is not None and session.device.compatibility.warning:
        cli.warn(session.device.compatibility.warning)
    return session


def _read(session: Session, name: str) -> int | None:
    """Value in the sled; None where its firmware is older than the setting."""
    try:
        reply = session.request("GET_SETTING", setting=_BY_NAME[name].number)
    except Refused as refusal:
        if refusal.result != _RESULTS["UNKNOWN_SETTING"]:
            raise
        return None
    value: int = reply.fields["setting_value"]
    return value


def _write(session: Session, name: str, value: int, done: list[str]) -> int:
    try:
        reply = session.request("SET_SETTING", setting=_BY_NAME[name].number, setting_value=value)
    except Refused as refusal:
        so_far = f"; changed before it: {', '.join(done)}" if done else ""
        raise Refused(f"{name}: {refusal.sentence}{so_far}", refusal.hint, refusal.result) from None
    taken: int = reply.fields["setting_value"]
    return taken


def _save(session: Session) -> None:
    try:
        session.request("SAVE_SETTINGS")
    except Refused as refusal:
        if refusal.result != _RESULTS["NOT_SAVED"]:
            raise
        raise Refused(
            "the sled could not keep the settings: its flash did not take them; they are in force until the "
            "next reset, and what was saved before is still saved",
            "host settings save",
            refusal.result,
        ) from None


def _table(values: Mapping[str, int | None]) -> list[str]:
    """A line for each setting, in columns, the names as heading."""
    rows = [("", "no", "name", "value", "unit", "default", "range", "meaning")]
    for name, value in values.items():
        setting = _BY_NAME[name]
        rows.append(
            (
                "*" if value not in (setting.default, None) else "",
                str(setting.number),
                name,
                "unknown" if value is None else str(value),
                unit(name),
                str(setting.default),
                f"{setting.minimum}..{setting.maximum}",
                setting.doc,
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    right = (1, 3, 5)
    return [
        " ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row[:-1], widths, strict=True))
        )
        + " "
        + row[-1]
        for row in rows
    ]


def _answer(
    session: Session,
    values: Mapping[str, int | None],
    more: Mapping[str, Any],
    lines: list[str],
    before: Mapping[str, int | None] | None = None,
) -> cli.Answer:
    assert session.device is not None  # connect has asked HELLO
    rows = []
    for name, value in values.items():
        setting = _BY_NAME[name]
        row = {**setting._asdict(), "value": value, "unit": unit(name)}
        rows.append(row if before is None else {**row, "before": before[name]})
    return cli.Answer({"settings": rows, **more, "device": view.device_fields(session.device)}, lines)
