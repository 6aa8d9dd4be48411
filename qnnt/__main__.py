"""``python -m qnnt``."""

import sys

from qnnt.cli import main

sys.exit(main())
