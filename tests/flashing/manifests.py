"""Slots with their MANIFEST as `sha256sum` writes it, for tests that need no host."""

import hashlib


def manifest(files: dict[str, bytes]) -> bytes:
    """One line for each file, sorted by name."""
    return b"".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n".encode() for name, data in sorted(files.items())
    )


def in_slot(slot: str, files: dict[str, bytes]) -> dict[str, bytes]:
    """These files as a slot of the flash; without any, the slot is empty."""
    whole = files | {"MANIFEST": manifest(files)} if files else {}
    return {f"{slot}/{name}": data for name, data in whole.items()}


def build_id(files: dict[str, bytes]) -> int:
    """What HELLO says of a firmware that consists of these files."""
    return int.from_bytes(hashlib.sha256(manifest(files)).digest()[:4], "little")
