"""Runs children side by side, each in a process of its own, and says what became of each.

Outcomes: `killed` a test judged a value wrong; `crashed` tests only fell over; `timed out` a test took far
longer than it does; `survived` all tests that reach the change pass; `unreached` there is no such test.
"""

import contextlib
import json
import os
import selectors
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.mutation import child

OUTCOMES = ("killed", "crashed", "timed out", "survived", "unreached")

#: A test may take this long where nothing is known of it, and many times what it took.
TEST_s = 60.0
SHORTEST_TEST_s = 10.0
TIMES_AS_LONG = 10.0


class Result(NamedTuple):
    """What became of one child."""

    outcome: str
    test: str  #: that killed it, or first crashed, or did not end
    why: str  #: what that test said
    tests: int  #: how many began
    time_s: float


class Ended(NamedTuple):
    """A test of the baseline, or with no name the import of all tests."""

    test: str
    time_s: float
    lines: list[int]  #: of the file that it reached


class _Running:
    """One child as its parent sees it."""

    def __init__(self, job: child.Job, root: Path) -> None:
        self.job = job
        self.tests: list[Ended] = []
        self.failures: list[dict[str, Any]] = []
        self._begun = ""
        self._count = 0
        self._rest = b""
        self.is_done = False
        self._start_s = self._begun_s = time.monotonic()
        self.pipe, there = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.pipe)
                child.run(job, root, there)
            finally:
                os._exit(1)
        os.close(there)

    def read(self) -> bool:
        """Take what the child has told; False at its end."""
        data = os.read(self.pipe, 1 << 16)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            told = json.loads(line)
            now_s = time.monotonic()
            if "begun" in told:
                self._begun, self._begun_s = told["begun"], now_s
                self._count += 1
            elif "ended" in told:
                self.tests.append(Ended(told["ended"], now_s - self._begun_s, told["lines"]))
            elif "failed" in told:
                self.failures.append(told)
            else:
                self.is_done = True
        return bool(data)

    def is_late(self) -> bool:
        """Whether the test now running should long have ended."""
        known_s = (self.job.only or {}).get(self._begun)
        limit_s = TEST_s if known_s is None else max(SHORTEST_TEST_s, TIMES_AS_LONG * known_s)
        return time.monotonic() - self._begun_s > limit_s

    def end(self, is_late: bool) -> Result:
        """End the process, should it still run, and judge."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.pipe)
        time_s = time.monotonic() - self._start_s
        kill = next((failure for failure in self.failures if failure["verdict"]), None)
        if kill:
            return Result("killed", kill["failed"], kill["why"], self._count, time_s)
        if is_late:
            return Result("timed out", self._begun, "", self._count, time_s)
        if self.failures:
            return Result("crashed", self.failures[0]["failed"], self.failures[0]["why"], self._count, time_s)
        if not self.is_done:
            return Result("crashed", self._begun, "the process ended", self._count, time_s)
        return Result("survived" if self._count else "unreached", "", "", self._count, time_s)


def run_all(
    jobs: Iterator[tuple[Any, child.Job]], at_once: int, root: Path
) -> Iterator[tuple[Any, Result, list[Ended]]]:
    """Run every job, `at_once` at a time; yields its label, its result and its tests, as they end."""
    selector = selectors.DefaultSelector()
    running: dict[int, tuple[Any, _Running]] = {}
    jobs_left = True
    try:
        while jobs_left or running:
            while jobs_left and len(running) < at_once:
                label, job = next(jobs, (None, None))
                if job is None:
                    jobs_left = False
                    break
                one = _Running(job, root)
                running[one.pipe] = label, one
                selector.register(one.pipe, selectors.EVENT_READ)
            ready = {key.fd for key, _ in selector.select(timeout=0.5)} if running else set()
            for pipe, (label, one) in list(running.items()):
                goes_on = one.read() if pipe in ready else True
                is_late = goes_on and one.is_late()
                if goes_on and not is_late:
                    continue
                selector.unregister(pipe)
                del running[pipe]
                yield label, one.end(is_late), one.tests
    finally:
        for _, one in running.values():
            one.end(False)


def import_first() -> None:
    """What no test sees changed is imported once, here, and comes to each child for nothing."""
    import hypothesis.stateful  # noqa: F401
    from hypothesis import HealthCheck, Phase, settings

    import protocol.wire  # noqa: F401

    # Found is enough: no search for the smallest example, and the same examples for every mutant.
    settings.register_profile(
        "mutation",
        derandomize=True,
        max_examples=60,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    os.environ["SLED_HYPOTHESIS"] = "mutation"
