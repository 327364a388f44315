"""Setting a load starts fast because of what it does not import; a list holds where a clock would waver."""

import subprocess
import sys

from tests.host.command_line import Host

#: Each costs 20 to 200 ms or more; none is needed to set a load.
DENIED = (
    "numpy",
    "rich",
    "asyncio",
    "mpremote",
    "construct",
    "dataclasses",
    "hypothesis",
    "logging",
    "json",
    "sqlite3",
    "mcap",
    "http",
    "pyarrow",
    "host.recording",
)
#: What only long observations need.
FOLLOWING = ("host.following", "host.telemetry", "host.clock", "host.samples")

PROGRAM = """
import sys
from host.cli import main
try:
    main({words!r})
except SystemExit as end:
    assert not end.code, end.code
print([name for name in {denied!r} if name in sys.modules])
"""


def imported(host: Host, denied: tuple[str, ...], *words: str) -> str:
    program = PROGRAM.format(words=list(words), denied=denied)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=host.folder, env=host.environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_setting_a_load_imports_nothing_heavy(host: Host) -> None:
    words = ("--port", "sim://", "set-load", "50%bw", "--bodyweight", "80kg", "--surface", "turf")
    assert imported(host, DENIED + FOLLOWING, *words) == "[]"


def test_with_json_only_json_is_added(host: Host) -> None:
    denied = tuple(name for name in DENIED if name != "json")
    words = ("--port", "sim://", "--json", "set-load", "50%bw", "--bodyweight", "80kg")
    assert imported(host, denied, *words) == "[]"


def test_a_plain_force_reads_no_tables(host: Host) -> None:
    assert imported(host, ("tomllib",), "--json", "--port", "sim://", "set-load", "130N") == "[]"


def test_help_imports_no_command(host: Host) -> None:
    assert imported(host, ("host.session", "host.loads", "serial", "sim"), "--help") == "[]"
