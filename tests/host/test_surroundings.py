"""What surrounds the process: streams that cannot take every character or are closed, and its own name."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.host.command_line import ROOT, Host


@pytest.mark.parametrize("words", [("status",), ("set-load", "fluid:2")])
def test_a_terminal_without_some_characters_gets_its_answer_all_the_same(
    host: Host, words: tuple[str, ...]
) -> None:
    host.environment["PYTHONIOENCODING"] = "ascii"
    outcome = host("--port", "sim://", *words)
    assert (outcome.code, outcome.stderr) == (0, "")
    assert "?" in outcome.stdout, "nothing was there that ASCII lacks"


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes the streams")
@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-"])
@pytest.mark.parametrize("words", [("set-load", "130N"), ("--json", "status")])
def test_closed_streams_change_no_exit_code(host: Host, words: tuple[str, ...], closed: str) -> None:
    shell = ["sh", "-c", f'exec "$@" {closed}', "sh", *host.command("--port", "sim://", *words)]
    done = subprocess.run(shell, env=host.environment, cwd=host.folder, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


def test_who_types_sled_is_answered_with_sled(host: Host) -> None:
    script = host.folder / "sled"
    script.write_text("from host.cli import main\n\nmain()\n")

    def sled(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, str(script), *words]
        return subprocess.run(
            line, env=host.environment, cwd=host.folder, capture_output=True, text=True, timeout=60
        )

    for words, hint in [
        (("set-load", "50"), "sled set-load 50%bw (or 50kg, 50lb, 50N)"),
        (("set-load", "50%bw"), "sled set-load 50%bw --bodyweight 80kg (or once: sled athlete --bodyweight"),
        (("status",), "sled sim (in another terminal)"),
        (("set-laod",), "sled set-load"),
        (("status", "extra"), "sled status --help"),
    ]:
        plain = sled(*words).stderr
        assert plain.startswith("sled: ") and f"; try: {hint}" in plain
        answer = json.loads(sled("--json", *words).stdout)
        assert answer["hint"].startswith(hint)
        assert "host" not in plain + answer["error"] + answer["hint"]


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_the_tests_take_ctrl_c_where_the_shell_had_it_ignored() -> None:
    check = "import signal, tests.conftest; print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    done = subprocess.run(
        [sys.executable, "-c", check],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "False\n", done.stderr
