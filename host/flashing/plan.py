"""What is to be done to a board, worked out from what lies on it. Pure: no board, no files.

Every step leaves a board that starts by itself: the slot that is written is not the one that is good, its
MANIFEST goes first and comes last, and the file `slot` changes when all else is there.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from host.flashing.build import MANIFEST, START_FILES, Build, sha256

SLOTS = ("a", "b")
SLOT_FILE = "slot"
TRIAL_BOOTS = 3
_FLAT = "sled/"  # where firmware lay before there were slots
_BLOCK_BYTES = 4096
_SPARE_BLOCKS = 12  # folders, and what the file system moves about


class Contents(NamedTuple):
    """What lies on a board, as far as flashing is concerned."""

    hashes: Mapping[str, str]  #: SHA-256 by path, without the leading slash
    texts: Mapping[str, str]  #: `slot` and the MANIFESTs


class Plan(NamedTuple):
    """Steps in this order; paths without the leading slash."""

    slot: str  #: where the new firmware lies in the end
    keeper: str | None  #: the slot that stays as it is, to fall back to
    removed_first: list[str]
    firmware: dict[str, bytes]  #: files of the slot, its MANIFEST last
    copies: dict[str, str]  #: those of them that need not be sent, and where on the board they lie already
    start: dict[str, bytes]  #: boot.py and main.py, then `slot`, where they differ
    removed_last: list[str]

    @property
    def is_empty(self) -> bool:
        """Whether all is there already."""
        return not (self.removed_first or self.firmware or self.start or self.removed_last)

    @property
    def files(self) -> dict[str, bytes]:
        """All that is written."""
        return self.firmware | self.start

    @property
    def sent(self) -> dict[str, bytes]:
        """What goes over the link."""
        return {path: content for path, content in self.files.items() if path not in self.copies}

    @property
    def sent_bytes(self) -> int:
        """How much goes over the link."""
        return sum(map(len, self.sent.values()))

    @property
    def needed_bytes(self) -> int:
        """At most so much free space it takes on the flash."""
        blocks = sum(-(-len(content) // _BLOCK_BYTES) for content in self.files.values())
        return (blocks + _SPARE_BLOCKS) * _BLOCK_BYTES if self.files else 0


def read_slot(text: str | None) -> tuple[str, str | None]:
    """The slot that is good, and the one on trial, if any, from the text of the file `slot`.

    As main.py reads it: without the file, or with rubbish in it, `a` is good.
    """
    words = (text or "").split()
    good = "b" if words and words[0] == "b" else "a"
    is_tried = len(words) == 2 and re.fullmatch("[ab][123]", words[1])
    return good, _other(good) if is_tried else None


def _other(slot: str) -> str:
    return SLOTS[1 - SLOTS.index(slot)]


def is_whole(slot: str, found: Contents) -> bool:
    """Whether each file that the slot's MANIFEST names is there and right."""
    text = found.texts.get(f"{slot}/{MANIFEST}")
    rows = [line.split("  ", 1) for line in (text or "").splitlines()]
    return bool(rows) and all(
        len(row) == 2 and found.hashes.get(f"{slot}/{row[1]}") == row[0] for row in rows
    )


def plan(build: Build, found: Contents) -> Plan:
    """What makes the build run on a board with these contents."""
    now = (found.texts.get(SLOT_FILE) or "").strip()
    good, trial = read_slot(now)
    wanted = {name: sha256(content) for name, content in {**build.files, MANIFEST: build.manifest}.items()}

    def has_build(slot: str) -> bool:
        return all(found.hashes.get(f"{slot}/{name}") == digest for name, digest in wanted.items())

    whole = [slot for slot in (good, _other(good)) if is_whole(slot, found)]
    keeper = whole[0] if whole else None
    if keeper and trial and has_build(trial):
        target, text = trial, now  # on trial already
    elif keeper and has_build(keeper):
        target, text = keeper, keeper
        keeper = whole[1] if len(whole) > 1 else None
    elif keeper:
        target, text = _other(keeper), f"{keeper} {_other(keeper)}{TRIAL_BOOTS}"
    else:
        target = text = good  # nothing to fall back to, so there is no trial

    firmware = {
        f"{target}/{name}": build.files[name]
        for name in sorted(build.files)
        if found.hashes.get(f"{target}/{name}") != wanted[name]
    }
    manifest = f"{target}/{MANIFEST}"
    first = [
        path for path in sorted(found.hashes) if path.startswith(f"{target}/") and path[2:] not in wanted
    ]
    if manifest in found.hashes and (firmware or found.hashes[manifest] != wanted[MANIFEST]):
        first.insert(0, manifest)
    if firmware or found.hashes.get(manifest) != wanted[MANIFEST]:
        firmware[manifest] = build.manifest
    start = {name: build.files[name] for name in START_FILES if found.hashes.get(name) != wanted[name]}
    there = {digest: path for path, digest in found.hashes.items() if path not in first}
    copies = {path: there[sha256(content)] for path, content in firmware.items() if sha256(content) in there}
    copies |= {name: f"{target}/{name}" for name in start}
    if now != text:
        start[SLOT_FILE] = text.encode() + b"\n"
    unfinished = {f"{name}.new" for name in (*START_FILES, SLOT_FILE) if name not in start}
    left_over = [path for path in sorted(found.hashes) if path.startswith(_FLAT) or path in unfinished]
    return Plan(target, keeper, first, firmware, copies, start, left_over)
