"""One long observation of a sled: samples, clock, faults and load, over unplugs and restarts.

What `host record`, `host serve` and `host monitor` have in common. Nothing here ever sets a load: after
a link that dropped has returned, the load in force is read back from the device and told.
"""

from typing import Any, NamedTuple

from host.session import Device
from host.telemetry import Lost
from protocol import wire


class Batch(NamedTuple):
    """Samples of consecutive ticks, as on the wire; each index comes once, in order, or is Lost."""

    boot_id: int
    sample_index: int  #: of the first
    samples: wire.Samples


class Away(NamedTuple):
    """The link has dropped; the sled goes on measuring, and the observation waits for it."""

    host_s: float  #: `session.now()`
    reason: str


class Back(NamedTuple):
    """The sled answers again: the same unique id, perhaps at another port."""

    host_s: float
    away_s: float
    port: str
    device: Device
    has_restarted: bool  #: another boot: what its memory held is gone, and sample numbers begin anew
    status: dict[str, Any]  #: STATUS as read back, wire units


class Told(NamedTuple):
    """Any other message: FAULT, and the STATUS that is asked for now and then."""

    host_s: float
    message: wire.Received


class Pong(NamedTuple):
    """One reading of the device's clock. The sample was taken `since_tick_s` before the device answered."""

    sent_s: float  #: `session.now()` when the question went out
    received_s: float
    boot_id: int
    sample_index: int
    since_tick_s: float


Item = Batch | Lost | Away | Back | Told | Pong
