"""OPB of the pseudo-Boolean competitions, written from a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO

import numpy as np

from qnnt.models import PseudoBooleanModel


def write_opb(file: IO[str], model: PseudoBooleanModel, comments: Sequence[str] = ()) -> None:
    """Write the objective, if it is to be minimised, and the rows; variable i of the model is x(i+1)."""
    rows = model.rows
    terms = [f"{c:+d} x{v} " for c, v in zip(rows.coef.tolist(), (rows.index + 1).tolist(), strict=True)]
    starts, lower = rows.starts.tolist(), rows.lower.tolist()
    fixed = np.flatnonzero(model.lower == model.upper)
    file.write(f"* #variable= {len(model.lower)} #constraint= {len(rows) + len(fixed)}\n")
    file.writelines(f"* {line}\n" for line in comments)
    if model.minimize:
        costs = ((model.objective[i], i + 1) for i in np.flatnonzero(model.objective))
        file.write(f"min: {''.join(f'{c:+d} x{v} ' for c, v in costs)};\n")
    file.writelines(
        f"{''.join(terms[starts[r] : starts[r + 1]])}>= {bound} ;\n" for r, bound in enumerate(lower)
    )
    file.writelines(f"{'+1' if model.lower[i] else '-1'} x{i + 1} >= {model.lower[i]} ;\n" for i in fixed)
