"""What holds for every test."""

from hypothesis import HealthCheck, settings

# Machines differ in speed: no test fails for being slow.
settings.register_profile(
    "qnnt", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("qnnt"), max_examples=2000)
settings.load_profile("qnnt")
