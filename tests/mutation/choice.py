"""Which files are mutated with which tests, which mutants are explained, and which are wanted now."""

import fnmatch
import random
import tomllib
from pathlib import Path
from typing import NamedTuple

from tests.mutation.mutants import Mutant, Source

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TARGETS = HERE / "targets.toml"
SURVIVORS = HERE / "survivors.toml"


class Target(NamedTuple):
    """One file of the firmware and the tests that have to notice its mutants."""

    file: str
    stages: list[list[str]]
    left_out: list[str]
    sample_percent: float

    @property
    def module(self) -> str:
        """Its dotted name."""
        return self.file.removesuffix(".py").replace("/", ".")

    def source(self) -> Source:
        """The file as it is now."""
        return Source(self.file, (ROOT / self.file).read_text(encoding="utf-8"))


class Explained(NamedTuple):
    """A mutant that may live, by its text."""

    file: str
    code: str
    change: str
    nth: int | None  #: None: every line of this text
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.code}  [{self.change}]"

    def names(self, mutant: Mutant) -> bool:
        """Whether this is the mutant."""
        return (self.file, self.code, self.change) == (mutant.file, mutant.code, mutant.change) and (
            self.nth in (None, mutant.nth)
        )


def read_targets(path: Path = TARGETS) -> list[Target]:
    """The table of targets. Raises FileNotFoundError naming a file or test that is not there."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    targets = [
        Target(row["file"], row["stages"], table["left_out"], row["sample_percent"])
        for row in table["target"]
    ]
    for target in targets:
        for name in [target.file, *(file for stage in target.stages for file in stage)]:
            if not (ROOT / name).exists():
                raise FileNotFoundError(f"{path.name} names {name}, which is not there; correct the table")
    return targets


def read_explained(path: Path = SURVIVORS) -> list[Explained]:
    """The explained survivors, one for each change. Raises ValueError for an entry without a reason."""
    found = []
    for row in tomllib.loads(path.read_text(encoding="utf-8")).get("explained", []):
        if not row.get("reason", "").strip():
            raise ValueError(f"{path.name}: {row.get('code')} needs a reason")
        for change in row["changes"]:
            found.append(Explained(row["file"], row["code"], change, row.get("nth"), row["reason"]))
    return found


def explanation(mutant: Mutant, explained: list[Explained]) -> Explained | None:
    """The entry for this mutant, if there is one."""
    return next((entry for entry in explained if entry.names(mutant)), None)


def nameless(explained: list[Explained], mutants: list[Mutant]) -> list[Explained]:
    """Entries for files of these mutants that name none of them any more."""
    files = {mutant.file for mutant in mutants}
    texts = {(mutant.file, mutant.code, mutant.change) for mutant in mutants}
    return [
        entry
        for entry in explained
        if entry.file in files
        if (entry.file, entry.code, entry.change) not in texts
        or not any(entry.names(mutant) for mutant in mutants)
    ]


def wanted(mutants: list[Mutant], patterns: list[str]) -> list[Mutant]:
    """Those whose name (whole with `*`, or a part) or class is one of the patterns; without any, all."""
    if not patterns:
        return mutants
    return [
        mutant
        for mutant in mutants
        if any(pattern in str(mutant) or fnmatch.fnmatchcase(str(mutant), pattern) for pattern in patterns)
        or mutant.kind in patterns
    ]


def drawn(mutants: list[Mutant], count: int, seed: int) -> list[Mutant]:
    """A sample, the same for the same mutants and seed, in their order."""
    if count >= len(mutants):
        return mutants
    picked = set(random.Random(seed).sample(range(len(mutants)), count))
    return [mutant for number, mutant in enumerate(mutants) if number in picked]
