"""Hypothesis profiles for all tests: `ci` draws the same examples on every run, `home` new ones.

SLED_HYPOTHESIS names the profile; without it a machine that sets CI takes `ci`.
"""

import os

from hypothesis import HealthCheck, settings

# A shared machine stalls at will: no test may fail for its speed here, `make bench` measures that.
settings.register_profile(
    "ci", derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("home", max_examples=60, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("SLED_HYPOTHESIS") or ("ci" if os.environ.get("CI") else "home"))
