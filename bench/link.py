"""`make bench-link`: what becomes of every sample over links of all kinds.

python -m bench.link [quick] [words of a case's name]

The real firmware in the simulator, its cable, and the host's follower, in virtual time. What the device
wrote is read from its own memory. Every figure is in build/bench-link.csv; exit code 1 for a sample that
is missing without a word, or is not what was written.
"""

import csv
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing import Pool
from pathlib import Path
from random import Random
from typing import NamedTuple

from bench.link_cases import CASES, outages, spoil
from bench.link_truth import Judge, TICK_s, WrittenRig, port_of
from host.following import Follower
from host.session import Session
from protocol import layout
from sim.rig import RigConfig
from tests.sim.hosting import load

CSV = Path("build/bench-link.csv")
_SEEDS, _SAMPLES = 10, 200_000
_QUICK_SEEDS, _QUICK_SAMPLES = 2, 20_000
_PROCESSES = 2


class Job(NamedTuple):
    case: int
    seed: int
    samples: int


class Row(NamedTuple):
    """What one case came to with one seed."""

    case: str
    seed: int
    written: int  #: samples, by the device
    missing: int  #: without a word: must be 0
    wrong: int  #: or given out twice: must be 0
    lost: int  #: declared so
    gone: int  #: with the power of the memory that held them
    extra_pct: float  #: samples sent again, over those that were needed
    recovery_s: float  #: longest from the end of a disturbance until all before it had come
    oldest_s: float  #: age of the oldest sample when it came
    aways: int  #: times the port was gone
    resends: int  #: requests

    @property
    def is_good(self) -> bool:
        return not (self.missing or self.wrong)


def run(job: Job) -> Row:
    """One case with one seed."""
    case = CASES[job.case]
    rig = WrittenRig(RigConfig(seed=job.seed, athlete="recreational"))
    judge = Judge(rig)
    came = outages(case, Random(job.seed), job.samples)
    with Session(port_of(rig), f"sim://?seed={job.seed}") as session:
        session.hello()
        session.request("ARM")
        session.request("SET_LOAD", hold=0, lease_ms=0, pull=load(), push=load())
        follower = Follower(session, lambda: port_of(rig))
        follower.start(from_oldest=True)
        mend = spoil(rig, case, came, judge)
        stalls = [(rig.ticks + after, lasts) for kind, after, lasts in came if kind == "stall"]
        for item in follower.run(job.samples * TICK_s):
            judge.take(item)
            if stalls and rig.ticks >= stalls[0][0]:
                rig.step(stalls.pop(0)[1])
                judge.disturbed.append(rig.ticks)
                judge.disturbed.sort()
        mend()
        written = rig.written_samples
        for item in follower.finish():
            judge.take(item)
        judge.finish(written)
        written = sum(len(raw) for raw in rig.written.values()) // layout.SAMPLE_BYTES
        return Row(
            case.name,
            job.seed,
            written,
            judge.skipped,
            judge.wrong + judge.twice,
            judge.lost,
            judge.gone,
            100 * (rig.sent_samples / judge.samples - 1),
            judge.recovery_s,
            judge.age_s,
            judge.aways,
            follower.telemetry.resends,
        )


def write(rows: list[Row], path: Path = CSV) -> None:
    """One line for each case and seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(Row._fields)
        table.writerows(rows)


def lines(rows: list[Row]) -> Iterator[str]:
    """A line for each case, over its seeds."""
    yield (
        f"{'link':32}{'samples':>11}{'missing':>9}{'wrong':>7}{'declared lost':>15}{'with power':>12}"
        f"{'extra':>9}{'recovered in':>14}{'oldest':>9}"
    )
    for name in dict.fromkeys(row.case for row in rows):
        of = [row for row in rows if row.case == name]

        def total(figure: Callable[[Row], int], of: list[Row] = of) -> int:
            return sum(map(figure, of))

        extra_pct = sum(row.extra_pct for row in of) / len(of)
        yield (
            f"{name:32}{total(lambda row: row.written):>11}{total(lambda row: row.missing):>9}"
            f"{total(lambda row: row.wrong):>7}{total(lambda row: row.lost):>15}"
            f"{total(lambda row: row.gone):>12}{extra_pct:>8.1f}%"
            f"{max(row.recovery_s for row in of):>12.2f} s{max(row.oldest_s for row in of):>7.2f} s"
        )


def _progress(done: int, jobs: int, began_s: float) -> None:
    if sys.stderr.isatty() or done == jobs or not done % 20:
        end = "\r" if sys.stderr.isatty() and done < jobs else "\n"
        left_s = (time.monotonic() - began_s) * (jobs / done - 1)
        print(f"  {done} of {jobs} runs, {left_s:.0f} s left   ", end=end, file=sys.stderr, flush=True)


def main(wanted: list[str]) -> int:
    """Run the cases whose names hold the words, or all; 2 where there is none such."""
    is_quick = "quick" in wanted
    words = " ".join(word for word in wanted if word != "quick")
    chosen = [at for at, case in enumerate(CASES) if words in case.name]
    if not chosen:
        names = "; ".join(case.name for case in CASES)
        print(f"bench.link: no link is named {words!r}; there are: {names}", file=sys.stderr)
        return 2
    seeds, samples = (_QUICK_SEEDS, _QUICK_SAMPLES) if is_quick else (_SEEDS, _SAMPLES)
    jobs = [Job(at, seed, samples) for at in chosen for seed in range(1, seeds + 1)]
    began_s = time.monotonic()
    rows = []
    with Pool(_PROCESSES) as pool:
        for row in pool.imap_unordered(run, jobs):
            rows.append(row)
            _progress(len(rows), len(jobs), began_s)
    order = [case.name for case in CASES]
    rows.sort(key=lambda row: (order.index(row.case), row.seed))
    write(rows)
    print(f"{seeds} seeds of {samples} samples each; the worst seed in the last two columns")
    for line in lines(rows):
        print(line)
    bad = [row for row in rows if not row.is_good]
    for row in bad:
        print(f"WRONG: {row}")
    print(f"\n{len(jobs)} runs in {time.monotonic() - began_s:.0f} s; every figure is in {CSV}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
