"""What holds for every test."""

from hypothesis import settings

# Machines differ in speed: no test fails for being slow.
settings.register_profile("qnnt", deadline=None)
settings.load_profile("qnnt")
