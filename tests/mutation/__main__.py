"""Changes the firmware a little, again and again, and looks whether a test notices. See README.md here.

python -m tests.mutation                       everything; takes up where it was broken off
python -m tests.mutation guard.py "tick.py:44*"  some, by part of their name; or a class: branch, row ...
python -m tests.mutation --sample 40 --seed 1  a draw
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator

from tests.mutation import report
from tests.mutation.child import MARK, Job
from tests.mutation.choice import (
    ROOT,
    Explained,
    Target,
    drawn,
    explanation,
    nameless,
    read_explained,
    read_targets,
    wanted,
)
from tests.mutation.mutants import Mutant, Source, marked
from tests.mutation.records import Baseline, Records
from tests.mutation.running import Result, import_first, run_all

Chosen = list[tuple[Target, Source, Mutant]]
PROGRESS_EVERY_s = 20.0


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutation", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument(
        "patterns", nargs="*", help="part of a mutant's name, with * and ?, or a class of changes"
    )
    parser.add_argument("--sample", type=int, help="so many, drawn; without explained ones, and kept nowhere")
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--quick", action="store_true", help="only the first list of tests; kept nowhere")
    parser.add_argument("--jobs", type=int, default=2, help="processes side by side")
    parser.add_argument("--alive", action="store_true", help="only those that lived when last run")
    parser.add_argument("--fresh", action="store_true", help="forget what earlier runs found")
    parser.add_argument("--list", action="store_true", help="print the names and run nothing")
    return parser.parse_args(arguments)


def take_baseline(target: Target, records: Records) -> Baseline | None:
    """The tests of a target on the file as it is; None, and a word, if one of them fails."""
    known = records.baseline(target)
    if known:
        return known
    print(f"{target.file}: its tests on the file as it is ...", flush=True)
    source = target.source()
    code = marked("\n".join(source.lines), target.file, MARK)
    job = Job(target.module, code, target.stages, target.left_out, None, False, len(source.lines))
    for _, result, tests in run_all(iter([(target, job)]), 1, ROOT):
        if result.outcome != "survived":
            print(
                f"{result.test} fails on the file as it is: {result.why}\nmend that first: make test",
                file=sys.stderr,
            )
            return None
        records.keep_baseline(target, Baseline(tests))
        return Baseline(tests)
    return None


def jobs(chosen: Chosen, baselines: dict[str, Baseline]) -> Iterator[tuple[Mutant, Job]]:
    for target, source, mutant in chosen:
        baseline = baselines.get(target.file)
        only = baseline.reaching(mutant) if baseline else None
        yield (
            mutant,
            Job(target.module, source.mutated(mutant), target.stages, target.left_out, only, True, 0),
        )


class Progress:
    """A line now and then: how far, what was found, how long it will take."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = self._killed = 0
        self._start_s = self._last_s = time.monotonic()

    def count(self, result: Result) -> None:
        self._done += 1
        self._killed += result.outcome == "killed"
        now_s = time.monotonic()
        if now_s - self._last_s < PROGRESS_EVERY_s and self._done < self._total:
            return
        self._last_s = now_s
        left_s = (now_s - self._start_s) / self._done * (self._total - self._done)
        print(
            f"{self._done} of {self._total}: {self._killed} killed, {self._done - self._killed} not; "
            f"{left_s / 60:.1f} min left",
            flush=True,
        )


def run(
    chosen: Chosen, baselines: dict[str, Baseline], records: Records | None, at_once: int
) -> report.Found:
    """What became of each; those known already are not run again."""
    found = {}
    for _, _, mutant in chosen:
        known = records.result(mutant) if records else None
        if known:
            found[mutant] = known
    left = [one for one in chosen if one[2] not in found]
    progress = Progress(len(left))
    for mutant, result, _ in run_all(jobs(left, baselines), at_once, ROOT):
        found[mutant] = result
        progress.count(result)
        if records:
            records.keep(mutant, result)
    return [(mutant, found[mutant]) for _, _, mutant in chosen]


def choose(
    targets: list[Target], explained: list[Explained], records: Records | None, asked: argparse.Namespace
) -> tuple[Chosen, list[Mutant]]:
    """The mutants asked for, and all that there are."""
    sources = [target.source() for target in targets]
    mutants = [source.mutants() for source in sources]
    every = [mutant for some in mutants for mutant in some]
    picked = set(wanted(every, asked.patterns))
    if asked.alive and records:
        picked = {mutant for mutant in picked if records.lived(mutant)}
    if asked.sample:
        left = [mutant for mutant in every if mutant in picked and not explanation(mutant, explained)]
        picked = set(drawn(left, asked.sample, asked.seed))
    chosen = [
        (target, source, mutant)
        for target, source, some in zip(targets, sources, mutants, strict=True)
        for mutant in source.distinct([mutant for mutant in some if mutant in picked])
    ]
    return chosen, every


def main(arguments: list[str]) -> int:
    asked = options(arguments)
    if not hasattr(os, "fork"):
        print("mutants run in forked processes, which this system does not have", file=sys.stderr)
        return 2
    targets = read_targets()
    if asked.quick:
        targets = [target._replace(stages=target.stages[:1]) for target in targets]
    explained = read_explained()
    records = None if asked.sample or asked.quick else Records()
    if records and asked.fresh:
        records.forget()

    chosen, every = choose(targets, explained, records, asked)
    if asked.list:
        print("\n".join(f"{mutant}  [{mutant.code}]" for _, _, mutant in chosen))
        return 0
    if not chosen:
        print("no mutant fits; --list without patterns prints all names", file=sys.stderr)
        return 2

    import_first()
    # Ended by whoever started it, it still ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    baselines = {}
    if records:
        for target in targets:
            if any(target.file == mutant.file for _, _, mutant in chosen):
                baseline = take_baseline(target, records)
                if baseline is None:
                    return 3
                baselines[target.file] = baseline
    found = run(chosen, baselines, records, asked.jobs)
    return tell(found, targets, explained, every, is_sample=bool(asked.sample))


def tell(
    found: report.Found,
    targets: list[Target],
    explained: list[Explained],
    every: list[Mutant],
    is_sample: bool,
) -> int:
    """Print the report; the exit code: 0 all is killed or explained (in a sample: enough of it), 1 if not."""
    excused = {mutant: entry for mutant, _ in found if (entry := explanation(mutant, explained))}
    living = report.alive(found, set(excused))
    stale = report.stale(nameless(explained, every), found, excused)
    print("\n".join([*living, *stale, "", *report.table(found, set(excused), "file"), ""]))
    print("\n".join(report.table(found, set(excused), "class")))
    if not is_sample:
        return 1 if living or stale else 0
    short = []
    for target in targets:
        mine = [one for one in found if one[0].file == target.file]
        if report.percent(mine, set()) < target.sample_percent:
            short.append(f"{target.file}: less than {target.sample_percent:g} % of the sample killed")
    print("\n".join(short))
    return 1 if short or stale else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("broken off; the same command goes on from here (a sample begins anew)", file=sys.stderr)
        sys.exit(130)
