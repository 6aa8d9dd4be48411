#!/usr/bin/env python3
"""A SAT solver program as competitions define it: reads a DIMACS file, prints ``s`` and ``v`` lines."""

import sys

from pysat.formula import CNF
from pysat.solvers import Solver

formula = CNF(from_file=sys.argv[1])
with Solver(name="cadical153", bootstrap_with=formula) as solver:
    if solver.solve():
        print("c a comment")
        print("s SATISFIABLE")
        model = [*solver.get_model(), 0]
        for i in range(0, len(model), 20):
            print("v", *model[i : i + 20])
        sys.exit(10)
    print("s UNSATISFIABLE")
    sys.exit(20)
