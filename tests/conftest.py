"""What holds for every test."""

from hypothesis import HealthCheck, settings

# Machines differ in speed: no test fails for being slow. The quick profile repeats itself, the thorough one
# draws anew each time.
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "database": None}
settings.register_profile("qnnt", max_examples=60, derandomize=True, **COMMON)
settings.register_profile("thorough", max_examples=2000, **COMMON)
settings.load_profile("qnnt")
