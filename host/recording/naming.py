"""Recordings by name: four letters and digits that one can say and type, unique in their folder.

The file is called by day, time and id, so that a folder sorts by time: 2026-11-23_093215_k7f2.mcap.
"""

import os
import secrets
import time

from host.errors import BadValue, FileError

SUFFIX = ".mcap"
LAST = "last"
_FIRST = "abcdefghkmnpqrstuvwxyz"  # no letter that looks like a digit or like another
_OTHERS = _FIRST + "23456789"
_ID_LETTERS = 4


def new_path(folder: str, started_s: float) -> tuple[str, str]:
    """An id that no file of the folder has, and the path of its file; `started_s` since 1970."""
    taken = set(by_id(folder))
    while True:
        name = secrets.choice(_FIRST) + "".join(secrets.choice(_OTHERS) for _ in range(_ID_LETTERS - 1))
        if name not in taken:
            break
    day = time.strftime("%Y-%m-%d_%H%M%S", time.localtime(started_s))
    return name, os.path.join(folder, f"{day}_{name}{SUFFIX}")


def by_id(folder: str) -> dict[str, str]:
    """Path of each recording of the folder by id, oldest first. Raises FileError if it cannot be read."""
    try:
        files = sorted(name for name in os.listdir(folder) if name.endswith(SUFFIX))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise FileError(f"cannot read the folder {folder}: {error.strerror}", "host record --help") from None
    return {name.removesuffix(SUFFIX).rpartition("_")[2]: os.path.join(folder, name) for name in files}


def find(folder: str, word: str) -> str:
    """Path of the recording that was typed: its id, the beginning of it, `last`, or a file.

    Raises BadValue, with the ids that are near, where there is none or several.
    """
    if word.endswith(SUFFIX) or os.sep in word:
        if os.path.isfile(word):
            return word
        raise BadValue(f"there is no file '{word}'", "host sessions")
    known = by_id(folder)
    if not known:
        raise BadValue(f"there are no recordings in {folder}", "host record")
    wanted = word.strip().lower()
    if wanted == LAST:
        return list(known.values())[-1]
    if wanted in known:
        return known[wanted]
    near = [each for each in known if wanted and each.startswith(wanted)]
    if len(near) == 1:
        return known[near[0]]
    if near:
        raise BadValue(
            f"'{word}' is the beginning of {len(near)} recordings: {', '.join(near[:8])}",
            f"host show {near[-1]}",
        )
    from difflib import get_close_matches

    near = get_close_matches(wanted, known, 3, 0.4)
    like = f"; near it: {', '.join(near)}" if near else ""
    raise BadValue(f"there is no recording '{word}'{like}", "host sessions")
