#!/usr/bin/env python3
"""A solver of WCNF and OPB files as competitions define it: prints ``o``, ``s`` and ``v`` lines.

``--before-2022`` has it read WCNF with a line ``p wcnf`` only, and show literals in place of bits.
"""

import re
import sys


def maxsat(text, old):
    from pysat.examples.rc2 import RC2
    from pysat.formula import WCNF

    if old != ("\np wcnf" in f"\n{text}"):
        sys.exit("the first line is not what it should be")
    formula = WCNF(from_string=text)
    with RC2(formula) as solver:
        model = solver.compute()
        if model is None:
            return None, None
        true = {literal for literal in model if literal > 0}
    values = [int(i + 1 in true) for i in range(formula.nv)]
    shown = [str(i if bit else -i) for i, bit in enumerate(values, 1)] if old else ["".join(map(str, values))]
    return [*shown, "0"] if old else shown, solver.cost


def pseudo_boolean(text):
    import exact

    solver = exact.Exact([])
    lines = [line for line in text.splitlines() if not line.startswith("*")]
    names = sorted(set(re.findall(r"x\d+", text)))
    for name in names:
        solver.addVariable(name, 0, 1)
    objective = None
    for line in lines:
        left, sign, right = re.fullmatch(r"(.*?)(?:(>=|=) (-?\d+) )?;", line.removeprefix("min: ")).groups()
        terms = [(int(c), x) for c, x in re.findall(r"([-+]\d+) (x\d+)", left)]
        if sign is None:
            objective = terms
            solver.setObjective(terms, True, 0)
        else:
            solver.addConstraint(terms, True, int(right), sign == "=", int(right))
    solver.runFull(optimize=objective is not None)
    if not solver.hasSolution():
        return None, None
    values = dict(zip(names, solver.getLastSolutionFor(names), strict=True))
    cost = None if objective is None else sum(c * values[x] for c, x in objective)
    return [x if values[x] else f"-{x}" for x in names], cost


*options, path = sys.argv[1:]
with open(path) as file:  # noqa: PTH123
    text = file.read()
shown, cost = pseudo_boolean(text) if path.endswith(".opb") else maxsat(text, "--before-2022" in options)
print("c a comment")
if shown is None:
    print("s UNSATISFIABLE")
    sys.exit(20)
if cost is not None:
    print("o", cost)
print("s SATISFIABLE" if cost is None else "s OPTIMUM FOUND")
print("v", " ".join(shown))
sys.exit(10 if cost is None else 30)
