"""A finished stretch of work as numbers for a file and for people."""

from typing import Any, Protocol

from host.lengths import PULL, PUSH, Length, LengthFinder, Tally
from host.steps import tempo_per_min
from protocol import codes


class Counted(Protocol):
    """Whatever has counted the samples."""

    samples: int
    lost: int


def summary_fields(finder: LengthFinder, telemetry: Counted) -> dict[str, Any]:
    """Totals over everything that was seen; forces are means over the time of motion, None without any.

    `law_...` is what the law asked for at the same moments, `work_J` what the athlete put into the sled
    with `braking_J`, the part taken out of it again, already subtracted.
    """
    total = finder.total
    pull_m, push_m = total.way_m
    way_m = pull_m + push_m
    duration_s = (total.end_s or 0.0) - (total.start_s or 0.0)
    cadence = tempo_per_min(total.intervals_s)
    return {
        "lengths": len(finder.lengths),
        "distance_m": round(way_m, 3),
        "mean_pull_force_N": _rounded(total.mean_force_N(PULL)),
        "mean_push_force_N": _rounded(total.mean_force_N(PUSH)),
        "law_pull_force_N": _rounded(total.mean_law_N(PULL)),
        "law_push_force_N": _rounded(total.mean_law_N(PUSH)),
        "work_J": round(sum(total.work_J), 1),
        "braking_J": round(sum(total.braking_J), 1),
        "duration_s": round(duration_s, 3),
        "pull_share_of_distance": round(pull_m / way_m, 3) if way_m else None,
        "pull_share_of_work": round(total.work_J[0] / sum(total.work_J), 3)
        if sum(total.work_J) > 0
        else None,
        "steps": total.steps,
        "cadence_per_min": None if cadence is None else round(cadence, 1),
        "top_speed_m_per_s": round(total.top_m_per_s, 3),
        "limited_share": _limited_share(total),
        "samples": telemetry.samples,
        "samples_lost": telemetry.lost,
    }


def length_fields(length: Length) -> dict[str, Any]:
    """One length, rounded for reading."""
    return {
        name: round(value, 3) if isinstance(value, float) else value
        for name, value in length._asdict().items()
    }


def length_line(length: Length, of: int | None = None) -> str:
    """One length in one line."""
    number = f"{length.number:2d}" + (f"/{of}" if of else "")
    cadence = "" if length.cadence_per_min is None else f"  {length.cadence_per_min:5.1f} steps/min"
    return (
        f"length {number}  {length.direction}  {length.distance_m:6.2f} m  {length.mean_force_N:6.1f} N  "
        f"{length.mean_speed_m_per_s:5.2f} m/s{cadence}  {length.work_J:7.0f} J"
    )


def summary_lines(fields: dict[str, Any]) -> list[str]:
    """The totals for people, one quantity in a line, units included."""
    rows = [
        ("lengths", f"{fields['lengths']}"),
        ("distance", f"{fields['distance_m']:.1f} m"),
        ("duration", f"{fields['duration_s'] / 60:.1f} min"),
        ("mean pull force", _against(fields["mean_pull_force_N"], fields["law_pull_force_N"])),
        ("mean push force", _against(fields["mean_push_force_N"], fields["law_push_force_N"])),
        ("work", f"{fields['work_J']:.0f} J"),
        ("pull, of distance and work", _shares(fields)),
        (
            "cadence",
            "none" if fields["cadence_per_min"] is None else f"{fields['cadence_per_min']:.0f} steps/min",
        ),
        ("top speed", f"{fields['top_speed_m_per_s']:.2f} m/s"),
        ("limited, of the time", _limits(fields["limited_share"])),
        ("samples", f"{fields['samples']}, lost {fields['samples_lost']}"),
    ]
    return [f"{name:28}{value}" for name, value in rows]


def _limited_share(total: Tally) -> dict[str, float]:
    """How much of the time in motion each limit shaped the force; those below 0.1 % are left out."""
    moved = sum(total.moved)
    shares: dict[str, float] = {}
    for limits, count in total.limited.items():
        for name in codes.limit_names(limits):
            shares[name] = shares.get(name, 0.0) + count / moved
    return {name: round(share, 3) for name, share in sorted(shares.items()) if share >= 0.001}


def _limits(shares: dict[str, float]) -> str:
    return ", ".join(f"{name} {share:.1%}" for name, share in shares.items()) or "never"


def _against(force_N: float | None, law_N: float | None) -> str:
    return "none" if force_N is None or law_N is None else f"{force_N:.1f} N (law {law_N:.1f} N)"


def _shares(fields: dict[str, Any]) -> str:
    distance, work = fields["pull_share_of_distance"], fields["pull_share_of_work"]
    return "none" if distance is None or work is None else f"{distance:.0%}, {work:.0%}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
