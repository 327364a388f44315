"""One simulated sled in real time, asked directly and through `host serve`: what sharing costs."""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.report import Missing, line
from host import ports
from host.errors import HostError
from host.loading import set_held
from host.loads import Load
from host.session import Session
from host.telemetry import Lost, Telemetry

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 200  # requests in one session
PROCESSES = 15  # whole commands
CLIENTS = 10
REQUESTS_EACH = 50
LOAD = Load(force_N=130.0)
COMMANDS = {"host status": ("status",), "host set-load 130N": ("set-load", "130N")}


class _Times:
    """Round trips in s."""

    def __init__(self) -> None:
        self.all_s: list[float] = []

    def take(self, ask: Callable[[], object]) -> None:
        before_s = time.perf_counter()
        ask()
        self.all_s.append(time.perf_counter() - before_s)

    @property
    def median_ms(self) -> float:
        return 1000 * statistics.median(self.all_s)

    @property
    def shown(self) -> str:
        p99_ms = 1000 * statistics.quantiles(self.all_s, n=100)[98] if len(self.all_s) > 20 else None
        return f"{self.median_ms:.2f} ms" + ("" if p99_ms is None else f", p99 {p99_ms:.1f}")


@contextlib.contextmanager
def _running(environment: dict[str, str], *words: str) -> Iterator[None]:
    """A command that serves, ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "host", "--json", *words],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        if not json.loads(process.stdout.readline() or "{}").get("ok"):
            raise Missing(f"host {words[0]} does not start")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()


def _status(session: Session) -> None:
    session.request("GET_STATUS")


def _set_load(session: Session) -> None:
    set_held(session, LOAD, LOAD)


def _round_trips() -> dict[str, _Times]:
    """In one session, taken in turns."""
    found = {"GET_STATUS": _Times(), "ARM and SET_LOAD": _Times()}
    with ports.connect(None) as session:
        for _ in range(ROUNDS):
            found["GET_STATUS"].take(lambda: _status(session))
            found["ARM and SET_LOAD"].take(lambda: _set_load(session))
    return found


def _commands(environment: dict[str, str]) -> dict[str, _Times]:
    found = {name: _Times() for name in COMMANDS}
    for _ in range(PROCESSES):
        for name, words in COMMANDS.items():
            found[name].take(
                lambda words=words: subprocess.run(  # type: ignore[misc]
                    [sys.executable, "-m", "host", "--json", *words],
                    cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL,
                )
            )  # fmt: skip
    return found


def _many(is_streaming: bool) -> tuple[_Times, int, int]:
    """Ten clients at once, each of which asks again and again: round trips, errors, samples lost."""
    times = _Times()
    errors: list[str] = []
    lost: list[int] = []
    together = threading.Barrier(CLIENTS)

    def run() -> None:
        with ports.connect(None) as session:
            telemetry = Telemetry(session)
            together.wait()
            try:
                if is_streaming:
                    telemetry.start()
                for _ in range(REQUESTS_EACH):
                    times.take(lambda: _status(session))
                    if is_streaming:
                        lost.extend(
                            item.sample_count for item in telemetry.listen(0.02) if isinstance(item, Lost)
                        )
            except HostError as error:
                errors.append(error.sentence)

    threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(errors), sum(lost)


def measure() -> None:
    """Round trips directly and shared, with their ratio; then ten clients at once."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SLED_RUNTIME_DIR"] = folder
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with _running(environment, "sim", "--tcp-port", "0"):
            direct = {**_round_trips(), **_commands(environment)}
            with _running(environment, "serve"):
                shared = {**_round_trips(), **_commands(environment)}
                crowds = {
                    what: _many(what.endswith("streaming")) for what in ("asking", "asking and streaming")
                }
    for name, times in direct.items():
        line(f"{name}, on the port itself", times.shown)
        line(
            "  the same through host serve",
            shared[name].shown,
            f"{shared[name].median_ms / times.median_ms:.2f} x",
        )
    for what, (times, errors, lost) in crowds.items():
        line(
            f"{CLIENTS} clients at once, {what}",
            times.shown,
            f"{len(times.all_s)} requests, errors {errors}, lost {lost}",
        )
