"""Pictures of one pull and one push length, truth beside measurement: build/plots/pull.png, push.png.

python -m bench.plots [athlete] [load in percent of body mass]
"""

import sys
from pathlib import Path

from matplotlib import pyplot
from matplotlib.axes import Axes

from protocol import wire
from sim.people.athlete import Length, Step
from sim.rig import Rig, RigConfig
from sim.truth import Trace
from tests.sim.hosting import STREAM, set_load

FOLDER = Path("build/plots")
_TURF = 0.33
_GRAVITY_m_per_s2 = 9.80665
_SLICE_TICKS = 100
_GIVE_UP_TICKS = 200_000
_VELOCITY, _TOW, _LAW, _BRAKE = 1, 2, 3, 4  # places in a sample


def run(athlete: str, percent: float) -> tuple[Rig, list[tuple[int, ...]], float]:
    """A push and a pull under that load; the samples the sled sent, and the law at steady speed in N."""
    rig = Rig(RigConfig(athlete=athlete, lengths=2))
    rig.trace = Trace(1)
    assert rig.athlete is not None
    mass_kg = percent / 100 * rig.athlete.body.body_mass_kg
    law_N = mass_kg * _GRAVITY_m_per_s2 * _TURF
    rig.write(set_load(round(law_N * 1000), inertia_g=round(mass_kg * 1000)) + STREAM)
    reader = wire.FrameReader()
    samples: list[tuple[int, ...]] = []
    while len(rig.athlete.lengths) < 2 and rig.ticks < _GIVE_UP_TICKS:
        rig.step(_SLICE_TICKS)
        for frame in reader.feed(rig.read(1 << 20)):
            received = wire.decode(frame)
            if received.name == "TELEMETRY":
                samples += received.fields["samples"]
    return rig, samples, law_N


def _mark_steps(axes: Axes, steps: list[Step]) -> None:
    for step in steps:
        axes.axvline(step.time_s, color="tab:green" if step.side == "L" else "tab:red", lw=0.5, alpha=0.5)


def draw(rig: Rig, samples: list[tuple[int, ...]], law_N: float, length: Length, path: Path) -> None:
    """Speed, forces and power of one length over time."""
    assert rig.trace is not None and rig.athlete is not None
    begin = max(0, int((length.start_s - 1.0) * 1000))
    end = min(len(rig.trace), len(samples), int((length.end_s + 1.5) * 1000))
    sign = length.direction
    time_s = rig.trace.column("time_s")[begin:end]

    def truth(name: str) -> list[float]:
        return [sign * value for value in rig.trace.column(name)[begin:end]]

    measured = samples[begin:end]
    steps = [step for step in rig.athlete.steps if length.start_s <= step.time_s <= length.end_s]
    figure, (speed, force, brake, power) = pyplot.subplots(4, 1, sharex=True, figsize=(11, 10))
    speed.plot(
        time_s, [sign * s[_VELOCITY] / 1000 for s in measured], lw=3, alpha=0.4, label="measured by the sled"
    )
    speed.plot(time_s, truth("v_m_per_s"), lw=0.8, label="truth")
    speed.set_ylabel("speed, m/s")
    force.plot(time_s, [sign * s[_TOW] / 10 for s in measured], lw=2, alpha=0.4, label="load cell")
    force.plot(time_s, truth("tow_N"), lw=0.8, label="truth at the hitch")
    force.plot(
        time_s, [s[_LAW] / 10 for s in measured], "k", lw=0.5, zorder=1, label="law, before slew and fade"
    )
    force.axhline(law_N, color="k", lw=0.8, ls=":", label="law at steady speed")
    force.set_ylabel("tow force, N")
    brake.plot(time_s, [s[_BRAKE] / 10 for s in measured], lw=3, alpha=0.4, label="commanded")
    brake.plot(time_s, [abs(value) for value in truth("brake_N")], lw=0.8, label="as it acts")
    brake.set_ylabel("brake, N")
    power.plot(time_s, [sign * value for value in truth("power_W")], lw=0.8, label="athlete at the hitch")
    power.set_ylabel("power, W")
    power.set_xlabel(
        "time, s; vertical lines: steps, green left, red right; forces and speeds in the direction of travel"
    )
    for axes in (speed, force, brake, power):
        _mark_steps(axes, steps)
        axes.grid(alpha=0.3)
        axes.legend(loc="lower center", ncols=4, fontsize="small")
    kind = "pull" if sign > 0 else "push"
    speed.set_title(
        f"one {kind} length, {rig.config.athlete}, {rig.athlete.body.body_mass_kg:g} kg, "
        f"law {law_N:.1f} N on turf, seed {rig.config.seed}: {length.work_J:.0f} J"
    )
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main(athlete: str = "recreational", percent: str = "50") -> None:
    """Draw both."""
    pyplot.switch_backend("agg")
    FOLDER.mkdir(parents=True, exist_ok=True)
    rig, samples, law_N = run(athlete, float(percent))
    assert rig.athlete is not None
    for length in rig.athlete.lengths:
        path = FOLDER / f"{'pull' if length.direction > 0 else 'push'}.png"
        draw(rig, samples, law_N, length, path)
        print(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
