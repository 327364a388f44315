"""`host athlete`: keep or show what `host set-load 50%bw` has to know."""

import click

from host import cli


@cli.command("athlete")
@click.option("--name", metavar="NAME", help="Whose recordings these are.")
@click.option("--bodyweight", metavar="MASS", help="Body mass, such as 80kg or 176lb.")
@click.option("--surface", metavar="NAME", help="Usual ground, such as turf or grass.")
def command(name: str | None, bodyweight: str | None, surface: str | None) -> cli.Answer:
    """Keep the athlete's name, body mass and usual surface; without options, show them.

    \b
    Examples:
      host athlete --name "Ann Lee" --bodyweight 80kg --surface turf
      host athlete
    """
    from host import config, presets
    from host.measures import parse_body_mass_kg

    athlete = config.read()
    if bodyweight is not None:
        athlete = athlete._replace(body_mass_kg=round(parse_body_mass_kg(bodyweight), 3))
    if surface is not None:
        athlete = athlete._replace(surface=presets.surface(surface).id)
    if name is not None:
        athlete = athlete._replace(name=config.parse_name(name))
    if (name, bodyweight, surface) != (None, None, None):
        config.write(athlete)
    ground = presets.surface(athlete.surface)
    mass = "unknown" if athlete.body_mass_kg is None else f"{athlete.body_mass_kg:g} kg"
    fields = {
        "name": athlete.name,
        "body_mass_kg": athlete.body_mass_kg,
        "surface": ground.id,
        "friction": ground.friction,
        "file": config.path(),
    }
    return cli.Answer(
        fields,
        [
            *([] if athlete.name is None else [athlete.name]),
            f"body mass {mass}",
            f"surface {ground.id} (friction {ground.friction:g})",
            config.path(),
        ],
    )
