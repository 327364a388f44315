"""`host set-load`: work the load out, find the sled, arm it if need be, and say what it answered."""

import click

from host import cli, view
from host.errors import BadValue
from host.measures import shielded


class _LoadCommand(cli.Command):
    """Lets `-3kg` through to the load parser, which has more to say about it than an option parser."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [shielded(word) for word in args])


@cli.command("set-load", cls=_LoadCommand, epilog=cli.EXIT_CODES)
@click.argument("load", metavar="LOAD")
@click.option("--push", metavar="LOAD", help="Another load for pushing; without it both ways are the same.")
@click.option("--bodyweight", metavar="MASS", help="Body mass of the athlete, such as 80kg or 176lb.")
@click.option("--surface", metavar="NAME", help="Ground the sled stands for, such as turf or grass.")
def command(load: str, push: str | None, bodyweight: str | None, surface: str | None) -> cli.Answer:
    """Set the load; the sled holds it by itself until it is stopped, or stands for ten minutes.

    \b
    LOAD is one of these, or several joined by +:
      50%bw        a sled of half the body mass      40kg  90lb   a sled of that mass
      130N         a plain tow force                 hill:8%      backward up a hill
      deadmill     a treadmill switched off          band:60N/m   a band, while it is stretched
      fluid:12     a paddle in water                 magnetic:35  an eddy-current brake
      cap:1.2m/s   no faster than that               walk         no load

    \b
    Examples:
      host set-load 50%bw
      host set-load 50%bw --bodyweight 80kg --surface grass
      host set-load 40kg+cap:1.2m/s --push 130N
      host --port sim:// --json set-load 90lb
    """
    from host.loading import set_held, work_out
    from host.ports import connect

    pull_request = work_out(load, bodyweight, surface)
    push_request = work_out(push, bodyweight, surface) if push is not None else pull_request
    with connect(cli.settings().port) as session:
        if session.device is not None and session.device.compatibility.warning:
            cli.warn(session.device.compatibility.warning)
        applied = set_held(session, pull_request.load, push_request.load)
        device = session.device
    assert device is not None  # connect has asked HELLO
    requested = view.request_fields(pull_request)
    if push is not None:
        requested["push"] = view.request_fields(push_request)
    fields = {"requested": requested, **view.applied_fields(applied), "device": view.device_fields(device)}
    if cli.settings().as_json:
        return cli.Answer(fields, ())
    friction = pull_request.friction or push_request.friction or usual_friction()
    asked = pull_request.text if push is None else f"{pull_request.text}, push {push_request.text}"
    return cli.Answer(
        fields,
        [
            f"asked: {asked}{_worked_out_from(pull_request.body_mass_kg, pull_request.surface)}",
            *view.both_ways(applied, friction),
            *view.limit_lines(applied.limited_by),
            view.state_words(applied.state),
        ],
    )


def usual_friction() -> float:
    """Friction of the athlete's usual surface, for showing a force as a sled's mass.

    That of the default surface where the user's file is damaged: only the kilograms shown depend on
    it, which is no reason to fail once the load is set.
    """
    from host import config, presets

    try:
        return presets.surface(config.read().surface).friction
    except BadValue:
        return presets.surface(None).friction


def _worked_out_from(body_mass_kg: float | None, surface: str | None) -> str:
    parts = [] if body_mass_kg is None else [f"body mass {body_mass_kg:g} kg"]
    if surface is not None:
        parts.append(f"on {surface}")
    return f" ({', '.join(parts)})" if parts else ""
