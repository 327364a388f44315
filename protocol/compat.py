"""Decides from a HELLO_REPLY what this host may say to that device. Pure functions, sentences for people.

A minor version only adds kinds, codes, settings, and fields at the end of HELLO_REPLY; it changes no other
message that exists. HELLO, STOP and the beginning of HELLO_REPLY never change at all.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from protocol import layout
from protocol.codes import ONE_VERSION, ONE_VERSION_COMMAND

SAME = "same"
OLDER_DEVICE = "older_device"
NEWER_DEVICE = "newer_device"
OTHER_LAYOUT = "other_layout"
OTHER_MAJOR = "other_major"

#: What may be sent to any device whatever its version.
ALWAYS_ALLOWED = frozenset(("HELLO", "STOP"))


class Compatibility(NamedTuple):
    verdict: str  #: one of the constants above
    sentence: str  #: for people; empty for `same`, a warning when usable, else the error
    command: str  #: the next command to type, empty if there is nothing to mend

    @property
    def is_usable(self) -> bool:
        """Whether more than HELLO and STOP may be sent."""
        return self.verdict in (SAME, OLDER_DEVICE, NEWER_DEVICE)

    @property
    def warning(self) -> str:
        """To be shown once per connection; empty if there is none."""
        return f"{self.sentence}; {ONE_VERSION}" if self.is_usable and self.command else ""

    def allows(self, message: str) -> bool:
        """Whether a message of that name may be sent to this device."""
        return self.is_usable or message in ALWAYS_ALLOWED


def check(hello_fields: Mapping[str, Any]) -> Compatibility:
    """Verdict for a device that answered HELLO with these fields (the frozen ones are enough)."""
    major, minor = hello_fields["protocol_major"], hello_fields["protocol_minor"]
    layout_hash = hello_fields["layout_hash"]
    device = f"the device speaks protocol {major}.{minor} (layout {layout_hash:08x})"
    host = f"this host {layout.PROTOCOL_MAJOR}.{layout.PROTOCOL_MINOR} (layout {layout.LAYOUT_HASH:08x})"
    if major != layout.PROTOCOL_MAJOR:
        return Compatibility(
            OTHER_MAJOR,
            f"Versions do not match: {device}, {host}; only STOP works",
            ONE_VERSION_COMMAND,
        )
    if minor < layout.PROTOCOL_MINOR:
        return Compatibility(
            OLDER_DEVICE,
            f"Older firmware: {device}, {host}; what both know works",
            ONE_VERSION_COMMAND,
        )
    if minor > layout.PROTOCOL_MINOR:
        return Compatibility(
            NEWER_DEVICE,
            f"Newer firmware: {device}, {host}; what both know works",
            ONE_VERSION_COMMAND,
        )
    if layout_hash != layout.LAYOUT_HASH:
        return Compatibility(
            OTHER_LAYOUT,
            f"Same version but another layout: {device}, {host}; only STOP works",
            ONE_VERSION_COMMAND,
        )
    return Compatibility(SAME, "", "")
