"""The outcome in words and tables."""

from collections import Counter

from tests.mutation.choice import Explained
from tests.mutation.mutants import Mutant
from tests.mutation.running import OUTCOMES, Result

Found = list[tuple[Mutant, Result]]


def percent(found: Found, excused: set[Mutant]) -> float:
    """Killed of all that are not explained, in percent; 100 where there is none."""
    counted = [result for mutant, result in found if mutant not in excused]
    return 100.0 * sum(result.outcome == "killed" for result in counted) / len(counted) if counted else 100.0


def table(found: Found, excused: set[Mutant], heading: str) -> list[str]:
    """Outcomes by file, or by class of change."""
    groups: dict[str, Found] = {}
    for mutant, result in found:
        groups.setdefault(mutant.file if heading == "file" else mutant.kind, []).append((mutant, result))
    lines = [
        f"{heading:24}{'all':>7}"
        + "".join(f"{outcome:>11}" for outcome in OUTCOMES)
        + "  explained  killed %"
    ]
    for name, group in [*groups.items(), ("together", found)]:
        counts = Counter(result.outcome for _, result in group)
        explained = sum(mutant in excused for mutant, _ in group)
        numbers = "".join(f"{counts[outcome]:11}" for outcome in OUTCOMES)
        lines.append(f"{name:24}{len(group):7}{numbers}{explained:11}{percent(group, excused):10.1f}")
    return lines


def alive(found: Found, excused: set[Mutant]) -> list[str]:
    """Each mutant that is neither killed nor explained, with what became of it."""
    lines = []
    for mutant, result in found:
        if result.outcome != "killed" and mutant not in excused:
            where = f" in {result.test}: {result.why}" if result.test else ""
            lines.append(f"{mutant}  [{mutant.code}] {result.outcome}{where}")
    return lines


def stale(nameless: list[Explained], found: Found, excused: dict[Mutant, Explained]) -> list[str]:
    """Explanations that explain nothing any more."""
    lines = [f"stale explanation, no such mutant: {entry}" for entry in nameless]
    lines += [
        f"stale explanation, killed by {result.test}: {excused[mutant]}"
        for mutant, result in found
        if mutant in excused and result.outcome == "killed"
    ]
    return lines
