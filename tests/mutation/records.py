"""What earlier runs found, under build/mutation: so that a run may be broken off and taken up again."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from tests.mutation.choice import ROOT, SURVIVORS, Target
from tests.mutation.mutants import Mutant
from tests.mutation.running import Ended, Result

FOLDER = ROOT / "build" / "mutation"
_READ_BY_TESTS = ("device", "protocol", "sim", "seeds", "tests")


def fingerprint() -> str:
    """Changes with every file that the tests run or read."""
    digest = hashlib.sha256()
    for folder in _READ_BY_TESTS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".toml", ".csv") and path != SURVIVORS:
                digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


class Baseline(NamedTuple):
    """The tests of one target on the file as it is: how long each takes and which lines it reaches."""

    tests: list[Ended]

    def reaching(self, mutant: Mutant) -> dict[str, float]:
        """Tests that reach the mutant's line, and their time in s; all of them for a line run on import."""
        on_import = any(mutant.line in test.lines for test in self.tests if not test.test)
        is_for_all = on_import or not mutant.in_function
        return {
            test.test: test.time_s
            for test in self.tests
            if test.test and (is_for_all or mutant.line in test.lines)
        }


class Records:
    """Results and baselines of this state of the sources, kept as they come."""

    def __init__(self, folder: Path = FOLDER, state: str | None = None) -> None:
        self._folder = folder
        self._state = state or fingerprint()
        self._results_path = folder / "results.jsonl"
        folder.mkdir(parents=True, exist_ok=True)
        self._known: dict[tuple[str, str, int, str], tuple[str, Result]] = {}
        if self._results_path.exists():
            for line in self._results_path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                self._known[tuple(row["mutant"])] = row["state"], Result(*row["result"])  # type: ignore[index]

    @staticmethod
    def _key(mutant: Mutant) -> tuple[str, str, int, str]:
        return mutant.file, mutant.code, mutant.nth, mutant.change

    def result(self, mutant: Mutant) -> Result | None:
        """What became of it in this state of the sources."""
        state, result = self._known.get(self._key(mutant), ("", None))
        return result if state == self._state else None

    def lived(self, mutant: Mutant) -> bool:
        """Whether it was not killed when last run, in whatever state."""
        known = self._known.get(self._key(mutant))
        return known is not None and known[1].outcome != "killed"

    def keep(self, mutant: Mutant, result: Result) -> None:
        """Note a result, at once and on disk."""
        self._known[self._key(mutant)] = self._state, result
        row = {"mutant": self._key(mutant), "state": self._state, "result": result}
        with self._results_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def forget(self) -> None:
        """Begin anew."""
        self._known.clear()
        self._results_path.unlink(missing_ok=True)

    def baseline(self, target: Target) -> Baseline | None:
        """The baseline of this state of the sources, if it was taken."""
        path = self._baseline_path(target)
        if path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["state"] == self._state:
                return Baseline([Ended(*row) for row in kept["tests"]])
        return None

    def keep_baseline(self, target: Target, baseline: Baseline) -> None:
        """Note a baseline."""
        text = json.dumps({"state": self._state, "tests": baseline.tests})
        self._baseline_path(target).write_text(text, encoding="utf-8")

    def _baseline_path(self, target: Target) -> Path:
        return self._folder / f"baseline-{Path(target.file).stem}.json"
