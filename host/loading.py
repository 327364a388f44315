"""From the words of a load to what the device answered: the one way a load is set, for every command.

What counts as applied is the device's answer after its own clamping, never what was asked for.
"""

from typing import Any, NamedTuple

from host import config, presets
from host.errors import Refused
from host.loads import (
    Load,
    Term,
    format_terms,
    needs_body_mass,
    needs_friction,
    needs_presets,
    parse,
    resolve,
    sled_mass_kg,
)
from host.measures import parse_body_mass_kg
from host.session import Session
from protocol import codes, units

_MODES = {code.number: code.name.lower() for code in codes.MODES}
_RESULTS = {code.name: code.number for code in codes.RESULTS}
_IDLE, _FAULT = "idle", "fault"
_RAMP_s = 1.5  #: a ramp down ends within a second; arming waits for it
_AGAIN_s = 0.05
LEASE_ms = 1000


class Request(NamedTuple):
    """A load as it was typed and what it was worked out with; None where it played no part."""

    text: str
    load: Load
    body_mass_kg: float | None
    surface: str | None
    friction: float | None
    sled_mass_kg: float | None


class Applied(NamedTuple):
    """What the device answered: the load of each direction, what limited it, and its mode."""

    pull: Load
    push: Load
    limited_by: list[str]
    state: str


def work_out(text: str, bodyweight: str | None = None, surface: str | None = None) -> Request:
    """A typed load in SI terms; athlete and surface come from the user's file where they are not given.

    Raises LoadError or BadValue; no device is needed.
    """
    terms = parse(text)
    body_mass_kg = parse_body_mass_kg(bodyweight) if bodyweight is not None else None
    ground = presets.surface(surface) if surface is not None else None
    if (body_mass_kg is None and needs_body_mass(terms)) or (ground is None and needs_friction(terms)):
        athlete = config.read()
        body_mass_kg = athlete.body_mass_kg if body_mass_kg is None else body_mass_kg
        if ground is None and needs_friction(terms):
            ground = presets.surface(athlete.surface)
    return _worked_out(terms, body_mass_kg, ground)


def _worked_out(
    terms: tuple[Term, ...], body_mass_kg: float | None, ground: presets.Surface | None
) -> Request:
    if not needs_friction(terms):
        ground = None
    load = resolve(
        terms,
        body_mass_kg,
        None if ground is None else ground.friction,
        presets.read("loads") if needs_presets(terms) else None,
    )
    return Request(
        text=format_terms(terms),
        load=load,
        body_mass_kg=body_mass_kg if needs_body_mass(terms) else None,
        surface=None if ground is None else ground.id,
        friction=None if ground is None else ground.friction,
        sled_mass_kg=sled_mass_kg(terms, body_mass_kg),
    )


def set_held(session: Session, pull: Load, push: Load) -> Applied:
    """Arm the device if it is idle and give it a load to hold. Ask HELLO before.

    Raises Refused with the device's reason, and then nothing was changed.
    """
    return _set(session, pull, push, lease_ms=0)


def set_leased(session: Session, pull: Load, push: Load, lease_ms: int = LEASE_ms) -> Applied:
    """As `set_held`, but the load lives only while this session reads: each read may renew its lease.

    `session.lease_lost` says why, once the device has let go; `session.stop()` ends it.
    """
    answer = _set(session, pull, push, lease_ms)
    session.hold_lease(lease_ms)
    return answer


def _set(session: Session, pull: Load, push: Load, lease_ms: int) -> Applied:
    _arm(session)
    reply = session.request(
        "SET_LOAD",
        hold=int(lease_ms > 0),
        lease_ms=lease_ms,
        pull=units.load_from_si(pull._asdict()),
        push=units.load_from_si(push._asdict()),
    )
    return applied(reply.fields)


def _arm(session: Session) -> None:
    status = session.request("GET_STATUS").fields
    mode = _MODES.get(status["mode"], "")
    if mode == _FAULT:
        raise fault_refusal(status["faults"])
    if mode in ("armed", "loading"):
        return
    deadline = session.now() + _RAMP_s
    while True:
        try:
            session.request("ARM")
            return
        except Refused as refusal:
            if refusal.result != _RESULTS["RAMPING_DOWN"] or session.now() >= deadline:
                raise
        for _ in session.messages(_AGAIN_s):
            pass  # time passes


def fault_refusal(faults: int) -> Refused:
    """Why a device in FAULT takes no load: its faults and what each wants."""
    latched = [fault for fault in codes.FAULTS if faults >> fault.number & 1]
    sentences = "; ".join(f"{fault.sentence} To clear: {fault.clears}".rstrip(".") for fault in latched)
    return Refused(f"the sled is in a fault and takes no load: {sentences or 'unknown'}", "host clear")


def applied(fields: dict[str, Any]) -> Applied:
    """The load in a LOAD_REPLY or STATUS, SI units."""
    return Applied(
        pull=Load(**units.load_to_si(fields["pull"])),
        push=Load(**units.load_to_si(fields["push"])),
        limited_by=codes.limit_names(fields["limits"]),
        state=_MODES.get(fields["mode"], f"mode {fields['mode']}"),
    )
