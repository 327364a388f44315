"""A few drawn mutants of the firmware on every run of the tests; all of them by `make mutation`."""

import os
import subprocess
import sys

import pytest

from tests.mutation.choice import ROOT

SAMPLE = 16
SEED = 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_most_small_changes_of_the_firmware_are_noticed_by_the_quick_tests() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.mutation", "--quick", "--sample", str(SAMPLE), "--seed", str(SEED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stdout + done.stderr
