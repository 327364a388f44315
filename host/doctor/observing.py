"""A few seconds with a sled that stands: its samples, its clock and its slow readings, as plain numbers."""

import math
from statistics import fmean, median, pstdev
from typing import Any, NamedTuple

from host.batches import Batch, Lost
from host.following import Follower, Item, Pong, Told
from host.samples import Sample, SampleReader
from host.session import Session
from host.setting_changes import read_setting

_PING_EVERY_s = 0.1
_STATUS_EVERY_s = 0.1
_RESOLUTION_s = 1e-4  # of the two clocks that are read at each end

#: Of the sled, as far as its readings are judged by them.
SETTINGS = ("bus_low_mV", "bus_high_mV", "bus_fold_mV", "hot_fold_cC", "too_hot_cC", "um_per_1024_counts")


class Observation(NamedTuple):
    """What a while showed. None where nothing came."""

    seconds: float
    period_s: float  #: between two samples, as the sled has it
    samples: int
    lost: int
    resends: int
    silences: int  #: times the stream had to be asked to go on
    damaged_frames: int
    trip_s: float | None  #: median round trip
    drift_ppm: float | None
    drift_error_ppm: float  #: how far off that may be, after so short a while
    force_N: float | None  #: mean of the load cell
    force_noise_N: float | None  #: rms about it
    travel_um: int | None  #: between the least and the greatest position
    bus_V: tuple[float, ...]
    temperature_C: tuple[float, ...]
    status: dict[str, Any]  #: the last, wire units
    settings: dict[str, int]  #: those of SETTINGS, in their own units


def observe(session: Session, seconds: float) -> Observation:
    """Watch the sled that has answered HELLO. Raises LinkError."""
    device = session.device
    assert device is not None and device.sample_period_s is not None
    settings = {name: read_setting(session, name) for name in SETTINGS}
    follower = Follower(session, ping_every_s=_PING_EVERY_s, status_every_s=_STATUS_EVERY_s)
    reader = SampleReader(device.sample_period_s)
    damaged_before = session.damaged_frames
    samples: list[Sample] = []
    pongs: list[Pong] = []
    statuses = [session.request("GET_STATUS").fields]
    follower.start()
    start_s = session.now()
    lost = 0

    def take(item: Item) -> None:
        nonlocal lost
        if isinstance(item, Batch):
            samples.extend(reader.read(item))
        elif isinstance(item, Lost):
            lost += item.sample_count
        elif isinstance(item, Pong):
            pongs.append(item)
        elif isinstance(item, Told) and item.message.name == "STATUS":
            statuses.append(item.message.fields)

    for item in follower.run(seconds):
        take(item)
    seconds = session.now() - start_s
    received, resends = len(samples), follower.telemetry.resends  # before the rest is asked for
    for item in follower.finish():
        take(item)
    trips_s = [pong.received_s - pong.sent_s for pong in pongs]
    forces_N = [sample.tow_force_N for sample in samples]
    positions_m = [sample.position_m for sample in samples]
    return Observation(
        seconds=seconds,
        period_s=device.sample_period_s,
        samples=received,
        lost=lost,
        resends=resends,
        silences=follower.telemetry.resumes,
        damaged_frames=session.damaged_frames - damaged_before,
        trip_s=median(trips_s) if trips_s else None,
        drift_ppm=follower.clock.drift_ppm if follower.clock.count > 1 else None,
        drift_error_ppm=_drift_error_ppm(pongs),
        force_N=fmean(forces_N) if forces_N else None,
        force_noise_N=pstdev(forces_N) if forces_N else None,
        travel_um=round((max(positions_m) - min(positions_m)) * 1e6) if positions_m else None,
        bus_V=tuple(status["bus_mV"] / 1000 for status in statuses),
        temperature_C=tuple(status["temperature_cC"] / 100 for status in statuses),
        status=statuses[-1],
        settings=settings,
    )


def _drift_error_ppm(pongs: list[Pong]) -> float:
    """Both clocks are read within half a round trip, at both ends of the while."""
    if len(pongs) < 2:
        return math.inf
    half_s = min(pong.received_s - pong.sent_s for pong in pongs) / 2 + _RESOLUTION_s
    span_s = pongs[-1].received_s - pongs[0].sent_s
    return 2 * half_s / span_s * 1e6 if span_s > 0 else math.inf
