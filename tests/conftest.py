"""What holds for every test."""

import os
import signal
import sys
from pathlib import Path

import one_thread  # noqa: F401 - before anything that loads numpy
import pytest
from hypothesis import HealthCheck, settings
from program import qnnt  # noqa: F401 - a fixture
from unaided import bad_network

# Solver programs that tests run with "env python3" are to find this interpreter, activated or not.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

# A shell that runs the tests in the background has them ignore Ctrl-C, and some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines differ in speed: no test fails for being slow. The quick profile repeats itself, the thorough one
# draws anew each time.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "database": None}
settings.register_profile("qnnt", max_examples=25, derandomize=True, **COMMON)
settings.register_profile("thorough", max_examples=2000, **COMMON)
settings.load_profile("qnnt")


@pytest.fixture(scope="module")
def unaided():
    """Backends answer by themselves what the best network without weights would decide beforehand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("qnnt.run.best_constant", bad_network)
        yield
