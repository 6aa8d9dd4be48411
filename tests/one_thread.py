"""To be imported before numpy: products of matrices by one thread.

The tests run on all cores already, and their matrices are small. Threads that wait for each other by spinning
take several times the work. Child processes inherit it.
"""

import os

for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
