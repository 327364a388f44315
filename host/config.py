"""The user's own file: name, body mass, usual surface, so that `host set-load 50%bw` is all there is to type.

A flat TOML file in $SLED_CONFIG_DIR, else the platform's folder for settings; written whole, then
put in place, so that a crash leaves the old one. Recordings have a folder of their own.
"""

import os
import sys
from typing import Any, NamedTuple

from host.errors import BadValue
from host.measures import BODY_MASS_MAX_kg, BODY_MASS_MIN_kg

_FILE = "config.toml"
_KEYS = ("body_mass_kg", "surface", "name")
_NAME_LETTERS_MAX = 80


class Athlete(NamedTuple):
    """What is known of the athlete who uses this computer; None where nothing was told."""

    body_mass_kg: float | None = None
    surface: str | None = None
    name: str | None = None


def path() -> str:
    """Where the file is, whether it exists or not."""
    folder = os.environ.get("SLED_CONFIG_DIR")
    if not folder:
        if sys.platform == "win32":
            base = os.environ.get("APPDATA") or os.path.expanduser(r"~\AppData\Roaming")
        else:
            base = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
        folder = os.path.join(base, "sled")
    return os.path.join(folder, _FILE)


def data_folder() -> str:
    """Where recordings are, whether it exists or not: $SLED_DATA_DIR, else the platform's folder for data."""
    given = os.environ.get("SLED_DATA_DIR")
    if given:
        return given
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
    elif sys.platform == "darwin":
        base = os.path.expanduser("~/Library/Application Support")
    else:
        base = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.path.join(base, "sled")


def parse_name(text: str) -> str:
    """An athlete's name as typed, without blanks around it. Raises BadValue for what is none."""
    name = " ".join(text.split())
    if not name or not name.isprintable() or len(name) > _NAME_LETTERS_MAX:
        raise BadValue(
            f"an athlete's name has 1 to {_NAME_LETTERS_MAX} letters that can be printed, not {text!r}",
            'host athlete --name "Ann Lee"',
        )
    return name


def read() -> Athlete:
    """The athlete of the file; nobody where there is no file. Raises BadValue for a damaged one."""
    file_path = path()
    if not os.path.exists(file_path):
        return Athlete()
    import tomllib

    hint = f"mend or delete {file_path}, then: host athlete --bodyweight 80kg --surface turf"
    try:
        with open(file_path, "rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise BadValue(f"cannot read {file_path}: {error.strerror}", hint) from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise BadValue(f"{file_path} is damaged: {error}", hint) from None
    return _checked(table, file_path, hint)


def _checked(table: dict[str, Any], file_path: str, hint: str) -> Athlete:
    unknown = sorted(set(table) - set(_KEYS))
    if unknown:
        raise BadValue(f"{file_path} has the unknown key '{unknown[0]}'", hint)
    mass, surface = table.get("body_mass_kg"), table.get("surface")
    is_number = isinstance(mass, int | float) and not isinstance(mass, bool)
    if mass is not None and not (is_number and BODY_MASS_MIN_kg <= float(mass) <= BODY_MASS_MAX_kg):
        raise BadValue(f"{file_path}: body_mass_kg is not a person's mass: {mass!r}", hint)
    if surface is not None and not isinstance(surface, str):
        raise BadValue(f"{file_path}: surface is not a word: {surface!r}", hint)
    name = table.get("name")
    if name is not None and not isinstance(name, str):
        raise BadValue(f"{file_path}: name is not a word: {name!r}", hint)
    return Athlete(None if mass is None else float(mass), surface, name)


def write(athlete: Athlete) -> str:
    """Put the athlete into the file and return its path. Raises BadValue when it cannot be written."""
    import tempfile

    file_path = path()
    folder = os.path.dirname(file_path)
    lines = ["# Written by `host athlete`.\n"]
    if athlete.body_mass_kg is not None:
        lines.append(f"body_mass_kg = {athlete.body_mass_kg!r}\n")
    if athlete.surface is not None:
        lines.append(f'surface = "{athlete.surface}"\n')  # an id of seeds/surfaces.toml: needs no escapes
    if athlete.name is not None:
        quoted = athlete.name.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'name = "{quoted}"\n')
    try:
        os.makedirs(folder, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=".config-", suffix=".toml")
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, file_path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise BadValue(
            f"cannot write {file_path}: {error.strerror}",
            "SLED_CONFIG_DIR=some/folder host athlete --bodyweight 80kg",
        ) from None
    return file_path
