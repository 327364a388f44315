"""Who may import whom, read from the sources; and what no file of the project may hold."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: Each package, and what of ours it may import beside itself.
MAY_IMPORT = {
    "protocol": set(),
    "device": set(),
    "host": {"protocol"},
    "sim": {"device", "protocol"},
}
OURS = {*MAY_IMPORT, "seeds", "tests", "bench"}

#: Host code reaches the simulator here only, and never while it is itself being imported.
WAYS_INTO_SIM = {"sim.address", "sim.protocol_sim", "sim.replay", "sim.rig", "sim.scenario", "sim.serve"}

#: Only these may name the chip.
CHIP_FILES = {"device/boot.py", "device/main.py", "device/sled/board_rp2040.py"}
CHIP_MODULES = {"machine", "rp2", "_rp2"}
#: On the emulated chip, and on the bench board that has stand-ins for those modules.
SCRIPTS_ON_MICROPYTHON = ("tests/chip/chip_", "tests/flashing/unix_sled_board.py")

LINES_MAX = 400
LONGER = {  # what is generated, recorded, or one function by necessity: the hard interrupt calls nothing
    "device/sled/layout.py",
    "protocol/layout.py",
    "protocol/MESSAGES.md",
    "seeds/traces/golden.csv",
    "seeds/traces/stimulus.csv",
    "device/sled/tick.py",
    "tests/mutation/survivors.toml",
}


class Import(NamedTuple):
    file: str
    line: int
    module: str  #: absolute, as CPython would find it
    is_lazy: bool  #: inside a function, or for the type checker alone

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


@cache
def files() -> list[str]:
    """Every file that is or would be committed, as a path from the root."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
        names = [name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):  # not a checkout
        names = [path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()]
        names = [name for name in names if not re.match(r"(\.|build/)|.*(__pycache__|\.egg-info)/", name)]
    return [name for name in names if (ROOT / name).is_file()]


def absolute(file: str, level: int, module: str | None) -> str:
    """The module of a relative import."""
    if not level:
        return module or ""
    package = file.removesuffix(".py").split("/")[:-level]
    return ".".join([*package, *([module] if module else [])])


def imports_of(file: str, source: str) -> Iterator[Import]:
    """Every import of a source, by statement or by `import_module("...")`."""

    def walk(node: ast.AST, is_lazy: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(file, child.lineno, alias.name, is_lazy) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = absolute(file, child.level, child.module)
                yield from (
                    Import(file, child.lineno, f"{base}.{alias.name}", is_lazy) for alias in child.names
                )
            elif (
                isinstance(child, ast.Call)
                and getattr(child.func, "attr", getattr(child.func, "id", ""))
                in ("import_module", "__import__")
                and child.args
                and isinstance(child.args[0], ast.Constant)
            ):
                yield Import(file, child.lineno, str(child.args[0].value), is_lazy)
            inner = is_lazy or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
                inner = True
            yield from walk(child, inner)

    yield from walk(ast.parse(source), False)


@cache
def all_imports() -> list[Import]:
    found: list[Import] = []
    for file in files():
        if file.endswith(".py"):
            found += imports_of(file, (ROOT / file).read_text(encoding="utf-8"))
    return found


def first(module: str) -> str:
    return module.partition(".")[0]


def of_ours(package: str) -> list[Import]:
    """What `package` imports of ours. `sled` is the name of device/sled on the chip."""
    return [
        found._replace(module=f"device.{found.module}" if first(found.module) == "sled" else found.module)
        for found in all_imports()
        if first(found.file.replace("/", ".")) == package and first(found.module) in OURS | {"sled"}
    ]


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_those_below_it(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    if package == "host":
        allowed.add("sim")  # see the next rule
    assert of_ours(package), f"no import found in {package}: this test looks at the wrong files"
    wrong = [str(found) for found in of_ours(package) if first(found.module) not in allowed]
    assert not wrong


def test_the_host_reaches_the_simulator_lazily_and_by_its_entry_points() -> None:
    into_sim = [found for found in of_ours("host") if first(found.module) == "sim"]
    assert into_sim
    eager = [str(found) for found in into_sim if not found.is_lazy]
    assert not eager
    aside = [str(found) for found in into_sim if ".".join(found.module.split(".")[:2]) not in WAYS_INTO_SIM]
    assert not aside


def test_only_the_board_file_and_the_two_start_files_name_the_chip() -> None:
    wrong = [
        str(found)
        for found in all_imports()
        if first(found.module) in CHIP_MODULES and found.file not in CHIP_FILES
        if not found.file.startswith(SCRIPTS_ON_MICROPYTHON)
    ]
    assert not wrong
    assert any(found.file in CHIP_FILES and first(found.module) in CHIP_MODULES for found in all_imports())


def test_the_rules_see_every_way_of_importing() -> None:
    source = "from . import a\nfrom ..b import c\ndef f():\n  import sim.rig\n  x(import_module('machine'))\n"
    source += "if TYPE_CHECKING:\n  import d\nif x:\n  import e\n"
    found = [(item.module, item.is_lazy) for item in imports_of("host/commands/x.py", source)]
    assert found == [
        ("host.commands.a", False),
        ("host.b.c", False),
        ("sim.rig", True),
        ("machine", True),
        ("d", True),
        ("e", False),
    ]


#: Written in pieces, so that this file does not hold them itself.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "debian" + ".org",
]
MACHINE_PATHS = re.compile(r"(?<![\w.$~}])/(?:work|root|home|Users)/[\w.]|(?<![\w.$~}])/tmp/[\w.]")


@pytest.mark.parametrize("text", ["see /wo" + "rk/x", "'/ro" + "ot/.cache'", "/tm" + "p/plan"])
def test_a_machine_path_is_recognised(text: str) -> None:
    assert MACHINE_PATHS.search(text)


def test_no_file_names_a_registry_or_a_path_of_somebodys_machine() -> None:
    wrong = []
    for file in files():
        content = (ROOT / file).read_bytes()
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), 1):
            if any(host in line for host in REGISTRY_HOSTS) or MACHINE_PATHS.search(line):
                wrong.append(f"{file}:{number}: {line.strip()[:80]}")
    assert not wrong


def test_no_file_is_longer_than_one_can_read() -> None:
    long = {}
    for file in files():
        content = (ROOT / file).read_bytes()
        if b"\0" not in content and (lines := content.count(b"\n")) > LINES_MAX:
            long[file] = lines
    assert set(long) <= LONGER, {file: lines for file, lines in long.items() if file not in LONGER}
