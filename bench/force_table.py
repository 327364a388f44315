"""The force benchmark's rows as tables: by group of cases, the worst misses, and each aim's count."""

import math
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bench.force import Row

_WORST = 12  # misses shown for each aim
_WORST_UNABLE = 3  # of those that no brake could mend


class Aim(NamedTuple):
    """One of the four figures: how it is printed, and whether it is met."""

    name: str
    unit: str
    figure: "Callable[[Row], float | None]"  #: None where there is no such figure
    is_met: "Callable[[Row], bool]"
    aim: str


def _mean(row: "Row") -> float:
    return 100 * row.steady.mean_error_N / row.steady.law_N if row.steady.law_N else math.inf


AIMS = (
    Aim("mean", "%", _mean, lambda row: row.steady.mean_is_met, "within 1 % of the law or 1 N"),
    Aim(
        "ripple",
        "%",
        lambda row: 100 * row.steady.ripple_part,
        lambda row: row.steady.ripple_is_met,
        "within 3 % rms of the load",
    ),
    Aim(
        "settle",
        "ms",
        lambda row: 1000 * row.change.excess_s if row.change else None,
        lambda row: row.change is not None and row.change.settle_is_met,
        "within the ramp plus 50 ms",
    ),
    Aim(
        "over",
        "%",
        lambda row: 100 * row.change.overshoot_part if row.change else None,
        lambda row: row.change is not None and row.change.overshoot_is_met,
        "under 3 % of the step",
    ),
)

Test = Callable[["Row"], bool]


def _between(low: float, high: float, of: "Callable[[Row], float]") -> Test:
    return lambda row: low <= of(row) < high


def _speed(row: "Row") -> float:
    return row.case.motion.speed_m_per_s


def _load(row: "Row") -> float:
    return row.case.nominal_N


def _is(name: str, value: object) -> Test:
    return lambda row: getattr(row.case, name) == value


def _phase(third: int) -> Test:
    return lambda row: round(row.case.motion.phase_rad * 3 / (2 * math.pi)) == third


GROUPS: dict[str, Test] = {
    "all": lambda row: True,
    "hardware can": lambda row: not row.best.limit,
    "and reports no limit": lambda row: not row.best.limit and not row.reported,
    "hardware cannot": lambda row: bool(row.best.limit),
    **{
        f"load {kind}": _is("kind", kind)
        for kind in ("force", "sled", "deadmill", "band", "fluid", "magnetic", "hill")
    },
    "16 % at 4.2 Hz": _is("group", "hard"),
    "0.1-0.3 m/s": _between(0.0, 0.3, _speed),
    "0.3-0.8 m/s": _between(0.3, 0.8, _speed),
    "0.8-1.6 m/s": _between(0.8, 1.6, _speed),
    "1.6-5 m/s": _between(1.6, 9.0, _speed),
    "below 60 N": _between(0.0, 60.0, _load),
    "60-200 N": _between(60.0, 200.0, _load),
    "200-600 N": _between(200.0, 1e9, _load),
    "ripple below 8 %": _between(0.0, 0.08, lambda row: row.case.motion.ripple),
    "ripple 8-16 %": _between(0.08, 1.0, lambda row: row.case.motion.ripple),
    "friction -30 %": _is("friction", 0.7),
    "friction as believed": _is("friction", 1.0),
    "friction +30 %": _is("friction", 1.3),
    "motor cold": lambda row: row.case.winding_C < 50.0,
    "motor hot": lambda row: row.case.winding_C >= 50.0,
    "pull": lambda row: row.case.motion.direction > 0,
    "push": lambda row: row.case.motion.direction < 0,
    "raised": lambda row: row.case.step_N > 0,
    "lowered": lambda row: row.case.step_N < 0,
    "phase 0": _phase(0),
    "phase 1/3": _phase(1),
    "phase 2/3": _phase(2),
}


def number(value: float) -> str:
    """Short: never more than six characters."""
    if math.isinf(value):
        return "never"
    size = abs(value)
    return f"{value:.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def cells(rows: "list[Row]", aim: Aim) -> str:
    """Median, worst and share of one figure; by size, whatever its sign."""
    found = [
        abs(value) if aim.name != "settle" else value
        for row in rows
        if (value := aim.figure(row)) is not None
    ]
    if not found:
        return f"{'-':>7}{'-':>7}{'-':>6}"
    found.sort()
    share = 100 * sum(aim.is_met(row) for row in rows if aim.figure(row) is not None) / len(found)
    return f"{number(found[len(found) // 2]):>7}{number(found[-1]):>7}{share:>5.0f}%"


def groups(rows: "list[Row]", controllers: Iterable[str]) -> None:
    """One block for each group, one line for each controller."""
    head = "".join(f"|{aim.name + ', ' + aim.unit:^19}" for aim in AIMS)
    print(f"{'':31}{head}")
    print(f"{'cases':<31}" + f"|{'median':>7}{'worst':>7}{'met':>5}" * len(AIMS))
    for name, test in GROUPS.items():
        for controller in controllers:
            chosen = [row for row in rows if row.controller == controller and test(row)]
            if not chosen:
                continue
            shown = f"{name} ({len(chosen)})" if controller == "ours" else ""
            print(f"{shown:<22}{controller:<9}" + "".join(f"|{cells(chosen, aim)[:-1]}" for aim in AIMS))


def _where(row: "Row") -> str:
    case = row.case
    way = "pull" if case.motion.direction > 0 else "push"
    return (
        f"#{case.number} {case.kind} {case.nominal_before_N:.0f}->{case.nominal_N:.0f} N "
        f"{case.after.inertia_kg:g} kg {way} {case.motion.speed_m_per_s:g} m/s "
        f"{100 * case.motion.ripple:.0f} % {case.motion.per_s:.1f} Hz friction x{case.friction:g}"
    )


def _counted(names: Iterable[str]) -> str:
    """How often each name comes, the most frequent first."""
    return ", ".join(f"{name} {times}" for name, times in Counter(names).most_common()) or "none"


def misses(rows: "list[Row]") -> None:
    """The worst misses of ours for each aim, with what limits them; what a brake could do comes first."""
    for aim in AIMS:
        found = [row for row in rows if row.controller == "ours" and not aim.is_met(row)]
        found.sort(key=lambda row: -abs(aim.figure(row) or 0.0))
        able = [row for row in found if not row.best.limit]
        unable = [row for row in found if row.best.limit]
        print(f"\n{aim.name} {aim.aim}: {len(found)} misses")
        print(f"  hardware can: {len(able)}; reported: {_counted(row.reported or 'nothing' for row in able)}")
        for row in able[:_WORST]:
            why = f"reported: {row.reported or 'nothing'}" + (row.faults and f"; FAULT {row.faults}")
            print(f"  {number(aim.figure(row) or 0.0):>6} {aim.unit:<2} {_where(row)}; {why}")
        print(f"  hardware cannot: {len(unable)}; why: {_counted(row.best.limit for row in unable)}")
        for row in unable[:_WORST_UNABLE]:
            why = f"{row.best.limit}; reported: {row.reported or 'nothing'}"
            print(f"  {number(aim.figure(row) or 0.0):>6} {aim.unit:<2} {_where(row)}; {why}")


def aims(rows: "list[Row]", controllers: Iterable[str]) -> None:
    """One line for each aim: met in how many cases."""
    print()
    for aim in AIMS:
        parts = []
        for name, test in (
            ("all", GROUPS["all"]),
            ("hardware can", GROUPS["hardware can"]),
            ("and nothing reported", lambda row: not row.best.limit and not row.reported),
        ):
            ours = [row for row in rows if row.controller == "ours" and test(row)]
            parts.append(f"{name} {sum(map(aim.is_met, ours))} of {len(ours)}")
        others = []
        for controller in controllers:
            chosen = [row for row in rows if row.controller == controller and aim.figure(row) is not None]
            if controller != "ours" and chosen:
                others.append(f"{controller} {sum(map(aim.is_met, chosen))}")
        print(f"{aim.name} {aim.aim}: {', '.join(parts)} ({', '.join(others)} of all)")
    asked = [row for row in rows if row.controller == "ours" and row.asked != row.steady]
    if asked:
        met = sum(row.asked.ripple_is_met for row in asked)
        found = sorted(100 * row.asked.ripple_part for row in asked)
        print(
            f"inertia asked for below what the sled can feel like (reported), {len(asked)} cases: against "
            f"the load as asked, ripple median {number(found[len(found) // 2])} %, worst "
            f"{number(found[-1])} %, met in {met}"
        )
    ours = [row for row in rows if row.controller == "ours"]
    met = sum(row.best.late.ripple_is_met for row in ours)
    print(
        f"a brake that knows the motion of this moment but not of the next, behind the driver's lag: "
        f"ripple met in {met} of {len(ours)}"
    )
    tight = [row for row in ours if row.best.limit != "slack"]
    off = max((row.motion_part for row in tight), default=0.0)
    print(f"speed of the sled under ours: at worst {100 * off:.2f} % rms off what the case says (none slack)")
    wrong = [row for row in rows if row.controller == "ours" and row.faults]
    if wrong:
        print(
            f"FAULTS in {len(wrong)} cases: " + ", ".join(f"#{row.case.number} {row.faults}" for row in wrong)
        )


def show(rows: "list[Row]") -> None:
    """All tables."""
    controllers = list(dict.fromkeys(row.controller for row in rows))
    groups(rows, controllers)
    misses(rows)
    aims(rows, controllers)
