"""What happens in the process of one mutant: the changed file goes in, the tests run, each result is told.

Forked from a parent that has imported pytest and hypothesis but nothing of the firmware, so that
every module, copied name and table made on import sees the change.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

import pytest

#: What a test may raise to say that a value is wrong. All else is a crash: it would befall any test.
VERDICTS = (AssertionError, pytest.fail.Exception)
VERDICT_NAMES = ("OutOfRange",)  # of the checked integers: a result that leaves 31 bits

#: Tests see this name in the module of the mutant's file, when the baseline is taken.
MARK = "__reached__"


class Job(NamedTuple):
    """What one child has to run."""

    module: str  #: dotted name of the changed file
    code: CodeType
    stages: list[list[str]]  #: files of tests, one pytest session after another
    left_out: list[str]  #: ids of tests that do not count
    only: dict[str, float] | None  #: ids of tests that reach the change, with their time; None: all
    stops_at_kill: bool
    marks: int  #: lines of the file, if it is the baseline; else 0


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Gives one module another code; its file, package and the rest stay."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.marks = bytearray(job.marks + 1)

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        if name != self._job.module:
            return None
        found = importlib.machinery.PathFinder.find_spec(name, path)
        assert found is not None and found.origin is not None
        return importlib.util.spec_from_file_location(name, found.origin, loader=self)  # type: ignore[arg-type]

    def get_source(self, fullname: str) -> str | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        if self._job.marks:
            setattr(module, MARK, self.marks)
        exec(self._job.code, module.__dict__)


class _Teller:
    """A pytest plugin that writes a line for each test begun and ended."""

    def __init__(self, job: Job, marks: bytearray, pipe: int) -> None:
        self._job = job
        self._marks = marks
        self._pipe = pipe
        self.is_killed = False

    def tell(self, **what: Any) -> None:
        try:
            os.write(self._pipe, json.dumps(what).encode() + b"\n")
        except BrokenPipeError:  # nobody listens any more
            os._exit(1)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        only = self._job.only
        if only is not None:
            items[:] = sorted(
                (item for item in items if item.nodeid in only), key=lambda item: only[item.nodeid]
            )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.tell(begun=nodeid)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        result = yield
        report = result.get_result()
        if report.failed and call.excinfo is not None:
            raised = call.excinfo.type
            is_verdict = issubclass(raised, VERDICTS) or raised.__name__ in VERDICT_NAMES
            words = str(call.excinfo.value).split("\n")[0]
            self.tell(failed=item.nodeid, verdict=is_verdict, why=f"{raised.__name__}: {words}"[:200])
            self.is_killed |= is_verdict
            if is_verdict and self._job.stops_at_kill:
                item.session.shouldstop = "killed"

    def pytest_collection_finish(self) -> None:
        self._tell_lines("")  # what runs on import, every test has reached

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._tell_lines(nodeid)

    def _tell_lines(self, nodeid: str) -> None:
        if self._job.marks:
            self.tell(ended=nodeid, lines=[line for line, mark in enumerate(self._marks) if mark])
            self._marks[:] = bytes(len(self._marks))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            lines = str(report.longrepr).splitlines()
            self.tell(failed=report.nodeid, verdict=False, why=(lines or ["not collected"])[-1][:200])


def run(job: Job, root: Path, pipe: int) -> None:
    """Everything in the child; does not return."""
    # A group of its own: whatever tests start ends with it.
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    silence = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    finder = _Finder(job)
    sys.meta_path.insert(0, finder)
    teller = _Teller(job, finder.marks, pipe)
    options = ["-q", "-p", "no:cacheprovider", "--rootdir", str(root)]
    for left_out in job.left_out:
        options += ["--deselect", left_out]
    for files in job.stages:
        if job.only is not None:
            files = [file for file in files if any(test.startswith(file) for test in job.only)]
        if files:
            pytest.main([*options, *files], plugins=[teller])
        if teller.is_killed and job.stops_at_kill:
            break
    teller.tell(done=True)
    os._exit(0)
