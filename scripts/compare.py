"""The same as ``qnnt compare``."""

from __future__ import annotations

import sys

from qnnt.cli import main

if __name__ == "__main__":
    sys.exit(main(["compare", *sys.argv[1:]]))
