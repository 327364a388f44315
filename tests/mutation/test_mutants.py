"""The runner itself: which changes it makes, how it names them, and how it judges what becomes of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.choice import ROOT, Explained, drawn, nameless, wanted
from tests.mutation.mutants import Source

LAW = '''"""Text."""
LIMIT = 8
ROWS = ((1, LIMIT), (2, 9))


def law(s, x):
    """Text."""
    low = 0
    if x > LIMIT and not s:
        low |= 4
    x = max(x - 1, low)
    return x // 2 + len(ROWS)
'''


def changes(text: str) -> list[str]:
    source = Source("law.py", text)
    return [f"{mutant.line} {mutant.change}" for mutant in source.distinct(source.mutants())]


def test_every_class_of_change_is_made() -> None:
    assert changes(LAW) == [
        *("2 8 -> 9", "2 8 -> 7", "2 8 -> 16", "2 8 -> 0"),
        *("3 (1, LIMIT) dropped", "3 (2, 9) dropped", "3 1 -> 2", "3 LIMIT -> 9", "3 2 -> 1", "3 9 -> LIMIT"),
        *("3 1 -> 0", "3 2 -> 3", "3 2 -> 4", "3 2 -> 0", "3 9 -> 10", "3 9 -> 8", "3 9 -> 18", "3 9 -> 0"),
        *("8 0 -> 1", "9 always", "9 never", "9 x > LIMIT and (not s) -> x > LIMIT or not s"),
        *("9 x > LIMIT -> x >= LIMIT", "9 x > LIMIT -> x < LIMIT", "9 not s -> s"),
        *("10 dropped", "10 low |= 4 -> low &= 4", "10 4 -> 5", "10 4 -> 3", "10 4 -> 8", "10 4 -> 0"),
        *(
            "11 dropped",
            "11 max(x - 1, low) -> min(x - 1, low)",
            "11 x - 1 -> x + 1",
            "11 1 -> 2",
            "11 1 -> 0",
        ),
        "12 x // 2 + len(ROWS) -> x // 2 - len(ROWS)",
        *("12 x // 2 -> x * 2", "12 2 -> 3", "12 2 -> 1", "12 2 -> 4"),
    ]


def test_a_change_that_compiles_to_the_same_code_is_left_out() -> None:
    made = Source("one.py", "def one():\n    return 1 * 1\n")
    everything = [str(mutant) for mutant in made.mutants()]
    assert "one.py:2 1 * 1 -> 1 // 1" in everything
    assert "one.py:2 1 * 1 -> 1 // 1" not in [str(mutant) for mutant in made.distinct(made.mutants())]


def test_the_tree_is_as_before_after_each_change() -> None:
    source = Source("law.py", LAW)
    before = source.code().co_consts
    for mutant in source.mutants():
        source.mutated(mutant)
    assert source.code().co_consts == before


def test_a_mutant_keeps_its_name_when_lines_move() -> None:
    def names(text: str) -> list[tuple[str, int, str]]:
        return [(mutant.code, mutant.nth, mutant.change) for mutant in Source("law.py", text).mutants()]

    assert names(LAW) == names(LAW.replace("def law", "# A remark.\n\n\ndef law"))
    assert names(LAW) == names(LAW.replace("LIMIT = 8", "LIMIT = 8  # newtons"))
    assert len(set(names(LAW))) == len(names(LAW))


def test_a_draw_is_the_same_for_the_same_seed_and_keeps_the_order() -> None:
    mutants = Source("law.py", LAW).mutants()
    assert drawn(mutants, 9, 1) == drawn(mutants, 9, 1) != drawn(mutants, 9, 2)
    assert drawn(mutants, 9, 1) == sorted(drawn(mutants, 9, 1), key=mutants.index)
    assert {mutant.kind for mutant in wanted(mutants, ["row"])} == {"row"}
    assert {mutant.line for mutant in wanted(mutants, ["law.py:9 *"])} == {9}


@pytest.mark.parametrize(
    ("code", "change", "nth", "is_stale"),
    [
        ("x = max(x - 1, low)", "x - 1 -> x + 1", None, False),
        ("x = max(x - 1, low)", "x - 1 -> x + 1", 1, False),
        ("x = max(x - 1, low)", "x - 1 -> x + 1", 2, True),
        ("x = max(x - 2, low)", "x - 2 -> x + 2", None, True),
    ],
)
def test_an_explanation_that_names_no_mutant_is_stale(
    code: str, change: str, nth: int | None, is_stale: bool
) -> None:
    entry = Explained("law.py", code, change, nth, "Because.")
    assert nameless([entry], Source("law.py", LAW).mutants()) == ([entry] if is_stale else [])


THING = """
def add(a, b):
    return a + b


def share(a):
    return 100 // (a + 1)


def count(n):
    done = 0
    while done < n:
        done += 1
    return done


def loose(a):
    return a + 7


def forgotten(a):
    return a - 1
"""
TESTS = """
import thing


def test_add():
    assert thing.add(2, 1) == 3


def test_share():
    assert thing.share(1) > 0


def test_count():
    assert thing.count(3) == 3


def test_loose():
    assert thing.loose(1) > 0
"""
RUN = """
import json, sys
from pathlib import Path
from tests.mutation import child, records, running
from tests.mutation.mutants import Source, marked

running.SHORTEST_TEST_s = 1.5
root = Path(sys.argv[1])
text = (root / "thing.py").read_text()
source = Source("thing.py", text)
running.import_first()
stages = [["test_thing.py"]]
code = marked(text, "thing.py", child.MARK)
baseline = child.Job("thing", code, stages, [], None, False, text.count("\\n"))
[(_, result, tests)] = running.run_all(iter([("", baseline)]), 1, root)
assert result.outcome == "survived", result
reached = records.Baseline(tests)
jobs = (
    (mutant, child.Job("thing", source.mutated(mutant), stages, [], reached.reaching(mutant), True, 0))
    for mutant in source.distinct(source.mutants())
)
found = [(str(mutant), *result[:2]) for mutant, result, _ in running.run_all(jobs, 2, root)]
print(json.dumps(found))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_each_outcome_is_told_from_the_others(tmp_path: Path) -> None:
    (tmp_path / "thing.py").write_text(THING)
    (tmp_path / "test_thing.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found = {name: (outcome, test) for name, outcome, test in json.loads(done.stdout)}
    assert found["thing.py:3 a + b -> a - b"] == ("killed", "test_thing.py::test_add")
    assert found["thing.py:7 a + 1 -> a - 1"] == ("crashed", "test_thing.py::test_share")
    assert found["thing.py:13 dropped"] == ("timed out", "test_thing.py::test_count")
    assert found["thing.py:18 7 -> 8"] == ("survived", "")
    assert found["thing.py:22 a - 1 -> a + 1"] == ("unreached", "")
