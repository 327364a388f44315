"""Surfaces, named machines and workouts: the TOML tables under seeds/, read only when one is needed."""

from typing import Any, NamedTuple

from host.errors import BadValue


class Surface(NamedTuple):
    """Ground a sled is dragged over; `friction` is the kinetic coefficient."""

    id: str
    name: str
    friction: float


def read(table: str) -> dict[str, dict[str, Any]]:
    """The rows of seeds/<table>.toml. Raises BadValue when the installation has lost them."""
    import os
    import tomllib

    path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "seeds", f"{table}.toml")
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise BadValue(
            f"cannot read {path}: {error}", "pip install --force-reinstall resistance-sled"
        ) from None


def surface(word: str | None) -> Surface:
    """The surface of that id or alias, or the default one for None. Raises BadValue if there is none."""
    rows = read("surfaces")
    wanted = "" if word is None else word.strip().lower().replace("-", "_").replace(" ", "_")
    for name, row in rows.items():
        if (word is None and row.get("default")) or wanted == name or wanted in row.get("aliases", ()):
            return Surface(name, str(row["name"]), float(row["friction"]))
    raise BadValue(
        f"there is no surface '{word}'; known are {', '.join(rows)}", "host athlete --surface turf"
    )


def workout(name: str) -> dict[str, Any]:
    """A built-in workout as seeds/workouts.toml has it. Raises BadValue if there is none of that name."""
    rows = read("workouts")
    if name not in rows:
        raise BadValue(f"there is no workout '{name}'; known are {', '.join(rows)}", "host demo")
    return rows[name]
