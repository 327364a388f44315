"""`host athlete`: keep or show what `host set-load 50%bw` has to know."""

import click

from host import cli


@cli.command("athlete")
@click.option("--bodyweight", metavar="MASS", help="Body mass, such as 80kg or 176lb.")
@click.option("--surface", metavar="NAME", help="Usual ground, such as turf or grass.")
def command(bodyweight: str | None, surface: str | None) -> cli.Answer:
    """Keep the athlete's body mass and usual surface; without options, show them.

    \b
    Examples:
      host athlete --bodyweight 80kg --surface turf
      host athlete
    """
    from host import config, presets
    from host.measures import parse_body_mass_kg

    athlete = config.read()
    if bodyweight is not None:
        athlete = athlete._replace(body_mass_kg=round(parse_body_mass_kg(bodyweight), 3))
    if surface is not None:
        athlete = athlete._replace(surface=presets.surface(surface).id)
    if bodyweight is not None or surface is not None:
        config.write(athlete)
    ground = presets.surface(athlete.surface)
    mass = "unknown" if athlete.body_mass_kg is None else f"{athlete.body_mass_kg:g} kg"
    fields = {
        "body_mass_kg": athlete.body_mass_kg,
        "surface": ground.id,
        "friction": ground.friction,
        "file": config.path(),
    }
    return cli.Answer(
        fields, [f"body mass {mass}", f"surface {ground.id} (friction {ground.friction:g})", config.path()]
    )
