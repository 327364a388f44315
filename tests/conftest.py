"""Hypothesis profiles for all tests: `ci` draws the same examples on every run, `home` new ones.

SLED_HYPOTHESIS names the profile; without it a machine that sets CI takes `ci`.
"""

import os
import signal

from hypothesis import HealthCheck, settings

# A shell without job control starts `make test &` with Ctrl-C ignored, which the programs under test would
# inherit: those that a test ends by SIGINT would then never end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A shared machine stalls at will: no test may fail for its speed here, `make bench` measures that.
settings.register_profile(
    "ci", derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("home", max_examples=60, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("SLED_HYPOTHESIS") or ("ci" if os.environ.get("CI") else "home"))
