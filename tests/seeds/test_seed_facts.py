"""The facts of the training method: complete, and each tied to code and tests that really exist.

A row that claims to be realised names files, symbols and tests; these are looked up in the syntax
trees, so that a rename or a deletion makes the claim fail here.
"""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FACTS = tomllib.loads((ROOT / "seeds/facts.toml").read_text(encoding="utf-8"))
IDS = [f"S{number}" for number in range(1, 18)]


def symbols(tree: ast.Module | ast.ClassDef) -> dict[str, ast.stmt]:
    """What a module or class defines itself: functions, classes and assigned names."""
    found: dict[str, ast.stmt] = {}
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[statement.name] = statement
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found |= {name.id: statement for name in targets if isinstance(name, ast.Name)}
    return found


def why_missing(root: Path, path: str, names: list[str]) -> str | None:
    """Why `names` (a symbol, or a class and its member) cannot be found in `path`; None if they can."""
    file = root / path
    if not file.exists():
        return f"{path} does not exist"
    if not names:
        return None
    if file.suffix == ".toml":
        known = tomllib.loads(file.read_text(encoding="utf-8"))
        return None if names[0] in known else f"{path} has no table {names[0]}"
    if file.suffix != ".py":
        return f"{path} is neither Python nor TOML, so it can have no symbol {names[0]}"
    tree: ast.stmt | ast.Module = ast.parse(file.read_text(encoding="utf-8"))
    for name in names:
        members = symbols(tree) if isinstance(tree, (ast.Module, ast.ClassDef)) else {}
        if name not in members:
            return f"{path} defines no {name}"
        tree = members[name]
    return None


def broken_code_link(root: Path, link: str) -> str | None:
    """What is wrong with "path", "path:symbol" or "path:Class.member"; None if nothing is."""
    path, _, symbol = link.partition(":")
    return why_missing(root, path, symbol.split(".") if symbol else [])


def broken_test_link(root: Path, link: str) -> str | None:
    """What is wrong with "tests/path.py::test" or "tests/path.py::Class::test"; None if nothing is."""
    path, *names = link.split("::")
    if not path.startswith("tests/") or not Path(path).name.startswith("test_") or not names:
        return f"{link} is not of the form tests/.../test_file.py::test_name"
    if not names[-1].lower().startswith("test"):
        return f"{link} is not a name that pytest collects"
    return why_missing(root, path, names)


def broken_status(row: dict) -> str | None:
    """What is wrong with a row's claim; None if nothing is."""
    links = bool(row["realised_by"]), bool(row["tests"])
    match row["status"]:
        case "realised" if all(links) and "missing" not in row:
            return None
        case "partly" if all(links) and row.get("missing", "").strip():
            return None
        case "open" if not any(links) and "missing" not in row:
            return None
        case "realised" | "partly" | "open":
            return f"{row['status']} with {links=} and missing={row.get('missing')!r}"
    return f"unknown status {row['status']!r}"


def test_every_fact_has_its_row_in_order() -> None:
    assert list(FACTS) == IDS


@pytest.mark.parametrize("fact_id", IDS)
def test_a_row_says_the_fact_and_the_behaviour(fact_id: str) -> None:
    row = FACTS[fact_id]
    assert set(row) - {"missing"} == {"status", "fact", "behaviour", "realised_by", "tests"}
    assert row["fact"].strip() and row["behaviour"].strip()


@pytest.mark.parametrize("fact_id", IDS)
def test_a_row_is_open_or_names_code_and_tests(fact_id: str) -> None:
    assert broken_status(FACTS[fact_id]) is None


@pytest.mark.parametrize("fact_id", IDS)
def test_everything_a_row_names_exists(fact_id: str) -> None:
    row = FACTS[fact_id]
    broken = [broken_code_link(ROOT, link) for link in row["realised_by"]]
    broken += [broken_test_link(ROOT, link) for link in row["tests"]]
    assert [problem for problem in broken if problem] == []


@pytest.mark.parametrize("fact_id", IDS)
def test_a_row_names_nothing_twice(fact_id: str) -> None:
    for key in ("realised_by", "tests"):
        assert len(set(FACTS[fact_id][key])) == len(FACTS[fact_id][key])


def test_every_fact_that_other_seeds_refer_to_exists() -> None:
    for name in ("workouts", "loads"):
        rows = tomllib.loads((ROOT / f"seeds/{name}.toml").read_text(encoding="utf-8"))
        for row in rows.values():
            assert set(row["fact"]) <= set(FACTS)


@pytest.mark.parametrize(
    "row",
    [
        {"status": "realised", "realised_by": ["a.py"], "tests": []},
        {"status": "realised", "realised_by": [], "tests": ["tests/test_a.py::test_b"]},
        {"status": "realised", "realised_by": ["a.py"], "tests": ["t"], "missing": "a part"},
        {"status": "partly", "realised_by": ["a.py"], "tests": ["t"]},
        {"status": "partly", "realised_by": [], "tests": [], "missing": "all of it"},
        {"status": "open", "realised_by": ["a.py"], "tests": []},
        {"status": "done", "realised_by": ["a.py"], "tests": ["t"]},
    ],
)
def test_a_claim_without_its_grounds_is_found_out(row: dict) -> None:
    assert broken_status(row) is not None


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_a.py").write_text(
        "def test_b(): pass\n\nclass TestC:\n    def test_d(self): pass\n"
    )
    (tmp_path / "a.py").write_text("WORD: int = 1\n\ndef f(): g = 1\n\nclass C:\n    def m(self): pass\n")
    (tmp_path / "a.toml").write_text("[row]\nx = 1\n")
    (tmp_path / "a.md").write_text("text\n")
    return tmp_path


@pytest.mark.parametrize("link", ["a.py", "a.md", "a.py:WORD", "a.py:f", "a.py:C", "a.py:C.m", "a.toml:row"])
def test_a_link_to_code_is_followed(tree: Path, link: str) -> None:
    assert broken_code_link(tree, link) is None


@pytest.mark.parametrize(
    "link", ["b.py", "a.py:g", "a.py:f.g", "a.py:C.n", "a.py:m", "a.toml:x", "a.md:text"]
)
def test_a_link_to_code_that_does_not_exist_is_found_out(tree: Path, link: str) -> None:
    assert broken_code_link(tree, link) is not None


@pytest.mark.parametrize("link", ["tests/test_a.py::test_b", "tests/test_a.py::TestC::test_d"])
def test_a_link_to_a_test_is_followed(tree: Path, link: str) -> None:
    assert broken_test_link(tree, link) is None


@pytest.mark.parametrize(
    "link",
    [
        "tests/test_a.py",
        "tests/test_a.py::test_e",
        "tests/test_a.py::test_d",
        "tests/test_b.py::test_b",
        "a.py::f",
        "tests/a.py::test_b",
    ],
)
def test_a_link_to_a_test_that_does_not_exist_is_found_out(tree: Path, link: str) -> None:
    assert broken_test_link(tree, link) is not None
