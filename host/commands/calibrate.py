"""`host calibrate`: the sled's own constants from telemetry, with uncertainty, applied when agreed."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from host import cli, view
from host.errors import BadValue, LinkError
from host.measures import parse_known_force_N, shielded, split

if TYPE_CHECKING:
    from host.calibration.estimate import Estimate
    from host.session import Session
    from host.setting_changes import Change

_REST_s = 10.0
_REST_MIN_s = 2.0
_REST_MAX_s = 600.0
_AFTER_MAX_s = 3.0
_LOADS = ("75N", "150N", "225N", "300N")
_SPAN_HINT = "host calibrate zero, then host calibrate span --mass 50kg"


@click.group("calibrate", cls=cli.Group, epilog=cli.EXIT_CODES)
def command() -> None:
    """Find the sled's own constants from what it measures, and set them.

    Each says what to do, shows old value, new value and 95 % interval, then asks. The sled must not be
    armed; `host stop` first. device/README.md tells what to expect.

    \b
    In the order zero, span, friction, brake, since each needs those before it:
    zero       after each switching-on    the sled stands, nobody touches it, 10 s
    span       once, and after repairs    chocks under the wheels, a known weight over a pulley
    friction   for each floor or tyre     shove the sled and let it roll, six times
    brake      once, and after repairs    pull it at four loads

    \b
    Examples:
      host calibrate zero
      host calibrate span --mass 20kg
      host calibrate friction --dry-run
      host --json calibrate brake --yes

    \b
    Without a sled:
      host --port sim:// calibrate zero --yes
      host --port sim://?athlete=hanger calibrate span --mass 20kg --yes
      host --port sim://?athlete=coaster calibrate friction --yes
      host --port sim://?athlete=recreational calibrate brake --yes
    """


class _Step(cli.Command):
    """One calibration: with --yes and --dry-run, and known before it begins whether it may ask."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [
            click.Option(["--yes"], is_flag=True, help="Apply without asking."),
            click.Option(["--dry-run"], is_flag=True, help="Measure and show; change nothing."),
        ]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [shielded(word) for word in args])

    def invoke(self, ctx: click.Context) -> Any:
        yes, dry_run = ctx.params["yes"], ctx.params["dry_run"]
        if yes and dry_run:
            raise BadValue("--yes applies and --dry-run does not", f"{ctx.command_path} --dry-run")
        if cli.settings().as_json and not yes and not dry_run:
            raise BadValue("with --json nobody can be asked", f"{ctx.command_path} --yes (or --dry-run)")
        return super().invoke(ctx)


def _step(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    return command.command(name, cls=_Step)


@_step("zero")
@click.option("--seconds", type=float, default=_REST_s, show_default=True, metavar="S", help="Averaged time.")
def zero(seconds: float, yes: bool, dry_run: bool) -> cli.Answer:
    """Zero the load cell: the sled stands, nothing hangs or leans on the hitch, nobody touches it.

    Refused when the reading moves by more than 1 N, or the wheel turns.

    \b
    Examples:
      host calibrate zero
      host --port sim:// calibrate zero --yes
    """
    if not _REST_MIN_s <= seconds <= _REST_MAX_s:
        raise BadValue(f"--seconds is from {_REST_MIN_s:g} to {_REST_MAX_s:g}", "host calibrate zero")
    from host.calibrating import measure_rest
    from host.calibration.rest import zero_raw
    from host.setting_changes import proposed

    with _opened() as session:
        old, span = _read(session, "cell_zero_raw"), _read(session, "cell_uN_per_raw")
        if not span:
            raise BadValue("the load cell's span is set to nothing", "host calibrate span --mass 20kg")
        cli.say(f"Nothing on the hitch, hands off. Measuring for {seconds:g} s ...")
        before = measure_rest(session, seconds).force_N
        cli.say(f"reading now: {_words(before, 'N')}")
        new, left = zero_raw(before, old, span)
        change = proposed("cell_zero_raw", old, new, left.half_width / abs(span * 1e-6), "host status")
        measured: dict[str, Any] = {"before_N": _fields(before)}

        def look_again() -> None:
            after = measure_rest(session, min(seconds, _AFTER_MAX_s)).force_N
            measured["after_N"] = _fields(after)
            cli.say(f"reading then: {_words(after, 'N')}")

        return _settled(session, [change], yes, dry_run, measured, look_again)


@_step("span")
@click.option("--mass", metavar="MASS", help="Mass that hangs, such as 20kg or 45lb.")
@click.option("--force", metavar="FORCE", help="Force on the hitch instead, such as 200N on a spring scale.")
def span(mass: str | None, force: str | None, yes: bool, dry_run: bool) -> cli.Answer:
    """Find the load cell's scale: chock the wheels, and hang a known weight from the hitch over a pulley.

    Zero the cell first. The more hangs, the surer: 50 kg rather than 20. It waits a minute for the
    weight, then averages 10 seconds. A pulley's friction counts as an error of the cell.

    \b
    Examples:
      host calibrate span --mass 20kg
      host calibrate span --force 200N
      host --port sim://?athlete=hanger calibrate span --mass 20kg --yes
    """
    if (mass is None) == (force is None):
        raise BadValue("say what pulls: either --mass or --force", "host calibrate span --mass 20kg")
    text = mass if mass is not None else str(force)
    if (split(text) or (0.0, ""))[1] == "n" and mass is not None:
        raise BadValue(f"'{text}' is a force", f"host calibrate span --force {text}")
    force_N = parse_known_force_N(text)
    from host.calibrating import measure_weight
    from host.calibration.rest import span_uN_per_raw
    from host.setting_changes import proposed

    with _opened() as session:
        old = _read(session, "cell_uN_per_raw")
        if not old:
            raise BadValue("the load cell's span is set to nothing", "host flash")
        cli.say(
            f"Chock the wheels and hang {text}: {force_N:.1f} N on the hitch. Waiting a minute for it ..."
        )
        reading = measure_weight(session, force_N, _REST_s, cli.say).force_N
        cli.say(f"reading: {_words(reading, 'N')}, for {force_N:.1f} N")
        exact = span_uN_per_raw(reading, force_N, old)
        if exact.value * old < 0:
            cli.say("the cell reads the other way round (its wires are crossed): its span changes sign")
        change = proposed("cell_uN_per_raw", old, round(exact.value), exact.half_width, _SPAN_HINT)
        measured = {"reading_N": _fields(reading), "force_N": round(force_N, 2)}
        return _settled(session, [change], yes, dry_run, measured)


@_step("friction")
@click.option(
    "--runs",
    type=click.IntRange(4, 50),
    default=6,
    show_default=True,
    metavar="N",
    help="Free runs at least.",
)
def friction(runs: int, yes: bool, dry_run: bool) -> cli.Answer:
    """Find the rolling friction: shove the sled to a brisk walk, hands off, let it roll until it stands.

    Zero the cell first: it tells when nobody touches the sled. Half of the runs one way and half the
    other, or a floor that falls by 1 in 1000 counts as 0.3 N of friction. Free stretches are found by
    themselves; more runs are asked for while the interval is wider than 5 % or 0.5 N.

    \b
    Examples:
      host calibrate friction
      host calibrate friction --runs 12 --dry-run
      host --port sim://?athlete=coaster calibrate friction --yes
    """
    from host.calibrating import measure_friction
    from host.setting_changes import proposed

    with _opened() as session:
        mass_kg = _read(session, "bare_mass_g") / 1000
        cli.say(
            f"Shove the sled to a brisk walk, take both hands off, let it roll until it stands: {runs} times,"
        )
        cli.say("half of them back the other way.")
        found = measure_friction(session, mass_kg, runs, cli.say)
        hint = "host calibrate friction (and check the sled's mass, and that the brake is off)"
        changes = [
            proposed(name, _read(session, name), round(value.value * 1000), value.half_width * 1000, hint)
            for name, value in (
                ("rolling_mN", found.rolling_N),
                ("rolling_mN_s_per_m", found.slope_N_s_per_m),
            )
        ]
        cli.say(
            f"{found.runs} runs, {found.length_m:.1f} m at {found.slowest_m_per_s:.2f} to "
            f"{found.fastest_m_per_s:.2f} m/s; the way is off by {found.residual_m * 1000:.2f} mm rms; "
            f"in proportion to the sled's mass as set, {mass_kg:g} kg"
        )
        at_1 = found.at(1.0)
        cli.say(f"at 1 m/s: {_words(at_1, 'N')}")
        if found.floor_N is None:
            cli.say("nearly all runs went one way: a slope of the floor is part of this")
        else:
            cli.say(f"slope of the floor, taken out: {_words(found.floor_N, 'N')} towards the hitch side")
        measured = {
            "runs": found.runs,
            "length_m": round(found.length_m, 2),
            "slowest_m_per_s": round(found.slowest_m_per_s, 3),
            "fastest_m_per_s": round(found.fastest_m_per_s, 3),
            "residual_mm": round(found.residual_m * 1000, 3),
            "mass_kg": mass_kg,
            "rolling_N": _fields(found.rolling_N),
            "slope_N_s_per_m": _fields(found.slope_N_s_per_m),
            "at_1_m_per_s_N": _fields(at_1),
            "floor_N": None if found.floor_N is None else _fields(found.floor_N),
        }
        return _settled(session, changes, yes, dry_run, measured)


@_step("brake")
@click.option(
    "--load", "loads", multiple=True, metavar="FORCE", help=f"Three or more; without it {', '.join(_LOADS)}."
)
def brake(loads: tuple[str, ...], yes: bool, dry_run: bool) -> cli.Answer:
    """Find the brake's force at full command: pull or push the sled steadily at a few loads.

    Zero, span and friction first: the brake can be no better known than the load cell. The sled is
    armed, and each load is kept only while this program runs; it ends with STOP, on Ctrl-C too. Each
    load takes 8 seconds of motion at 0.3 m/s or more.

    \b
    Examples:
      host calibrate brake
      host calibrate brake --load 50N --load 100N --load 150N
      host --port sim://?athlete=recreational calibrate brake --yes
    """
    loads_N = _loads_N(loads or _LOADS)
    from host.calibrating import measure_brake, own_forces
    from host.interrupt import stop_wish
    from host.setting_changes import proposed

    with _opened() as session:
        old = _read(session, "brake_full_scale_mN")
        own = own_forces(session)
        with stop_wish() as is_over:
            found = measure_brake(session, loads_N, own, cli.say, is_over)
        cli.say(
            f"{found.pulls} s of motion at {found.loads} loads, brake commands {found.lightest_N:.0f} to "
            f"{found.heaviest_N:.0f} N; true over commanded force {_words(found.scale, '')}; "
            f"a second is off by {found.residual_N:.1f} N rms"
        )
        full = found.scale.scaled(old)
        change = proposed("brake_full_scale_mN", old, round(full.value), full.half_width, _SPAN_HINT)
        if full.half_width > 0.05 * full.value:
            raise BadValue(
                f"the loads do not agree: {change.line}; nothing was changed",
                "host calibrate zero, span and friction, then host calibrate brake",
            )
        measured = {
            "scale": _fields(found.scale, 6),
            "loads": found.loads,
            "windows": found.pulls,
            "residual_N": round(found.residual_N, 2),
        }
        return _settled(session, [change], yes, dry_run, measured)


def _loads_N(texts: Sequence[str]) -> list[float]:
    hint = "host calibrate brake --load 50N --load 100N --load 150N"
    forces = []
    for text in texts:
        number, unit = split(text) or (0.0, "")
        if unit != "n" or not 40.0 <= number <= 500.0:
            raise BadValue(f"'{text}' is not a force from 40N to 500N", hint)
        forces.append(number)
    if len(set(forces)) < 3:
        raise BadValue("three different loads at least, so that their agreement can be seen", hint)
    return sorted(set(forces))


def _opened() -> "Session":
    from host.calibrating import refuse_if_armed
    from host.ports import connect

    session = connect(cli.settings().port)
    try:
        refuse_if_armed(session)
    except BaseException:
        session.close()
        raise
    return session


def _read(session: "Session", name: str) -> int:
    from host.setting_changes import read_setting

    return read_setting(session, name)


def _settled(
    session: "Session",
    changes: Sequence["Change"],
    yes: bool,
    dry_run: bool,
    measured: dict[str, Any],
    afterwards: Callable[[], None] = lambda: None,
) -> cli.Answer:
    """Show the changes, ask, apply, and say for how long that holds."""
    from host.setting_changes import apply

    cli.say("")
    for change in changes:
        cli.say(change.line)
    is_applied = is_saved = False
    if not dry_run and (yes or click.confirm("apply?")):
        is_saved = apply(session, changes)
        is_applied = True
        try:
            afterwards()
        except (BadValue, LinkError) as error:  # what is set is set
            cli.warn(f"it was applied, but could not be looked at again: {error.sentence}")
    if not is_applied:
        outcome = "nothing was changed"
    elif is_saved:
        outcome = "applied, and kept over a reset"
    else:
        outcome = "applied until the next reset: this firmware cannot keep settings yet"
    device = session.device
    assert device is not None  # connect has asked HELLO
    return cli.Answer(
        {
            "measured": measured,
            "changes": [change.fields for change in changes],
            "applied": is_applied,
            "saved": is_saved,
            "device": view.device_fields(device),
        },
        [outcome],
    )


def _fields(estimate: "Estimate", digits: int = 4) -> dict[str, float]:
    return {
        "value": round(estimate.value, digits),
        "standard_error": round(estimate.standard_error, digits + 2),
        "half_width_95": round(estimate.half_width, digits + 2),
    }


def _words(estimate: "Estimate", unit: str) -> str:
    """`11.20 ± 0.03 N (standard error 0.01)`, ± the 95 % interval."""
    half = estimate.half_width
    shown = f"{half:.2f}" if half >= 0.1 else f"{half:.1g}"
    digits = 2 if half >= 0.1 else 3
    error = f"standard error {estimate.standard_error:.1g}"
    return f"{estimate.value:.{digits}f} ± {shown} {unit}".rstrip() + f" ({error})"
