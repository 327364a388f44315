"""Gathers what a recording tells of its session: from the device, the user's file, and what was typed."""

from host import config, presets
from host.errors import Refused
from host.loading import applied, work_out
from host.measures import parse_body_mass_kg
from host.recording.recorder import About
from host.session import Device, Session
from protocol.settings import SETTINGS


def about_session(session: Session, **words: str | None) -> About:
    """As `about_athlete` and `asked` together, of the device that answered HELLO."""
    assert session.device is not None  # whoever opened the port has asked HELLO
    return asked(session, about_athlete(session.device, **words))


def about_athlete(
    device: Device,
    athlete: str | None = None,
    bodyweight: str | None = None,
    surface: str | None = None,
    load: str | None = None,
) -> About:
    """What the user's file tells; words that were typed count more. Raises BadValue."""
    known = config.read()
    ground = presets.surface(known.surface if surface is None else surface)
    request = None if load is None else work_out(load, bodyweight, surface)
    return About(
        device=device,
        settings={},
        athlete=known.name if athlete is None else config.parse_name(athlete),
        body_mass_kg=known.body_mass_kg if bodyweight is None else parse_body_mass_kg(bodyweight),
        surface=ground.id,
        friction=ground.friction,
        load=None if request is None else request.text,
        resolved=None if request is None else request.load,
    )


def asked(session: Session, about: About) -> About:
    """The same with what the device tells: all its settings and the load in force. Raises LinkError."""
    return about._replace(
        settings=device_settings(session), in_force=applied(session.request("GET_STATUS").fields)
    )


def device_settings(session: Session) -> dict[str, int]:
    """All settings that this firmware knows, in their own units: its calibration, among other things."""
    found: dict[str, int] = {}
    for setting in SETTINGS:
        try:
            reply = session.request("GET_SETTING", setting=setting.number)
        except Refused:
            continue  # an older firmware
        found[setting.name] = reply.fields["setting_value"]
    return found
