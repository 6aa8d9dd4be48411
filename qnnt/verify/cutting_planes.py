"""A checker of proofs by cutting planes: constraints are added up in integers, or follow by propagation.

It knows the rules that :mod:`qnnt.files.veripb` names, no encoder and no backend. Nothing is ever deleted:
all rules keep every solution, so what was there may be used again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from qnnt.files.veripb import Constraint, CuttingPlanes, literal_of
from qnnt.verify.drat import Checked


def check_cutting_planes(formula: Sequence[Constraint], proof: CuttingPlanes) -> Checked:
    """Check that the steps lead from the formula to a constraint that nothing can meet."""
    if proof.given != len(formula):
        return Checked(False, 0, f"the proof is about {proof.given:,} constraints, not {len(formula):,}")
    known, propagation = list(formula), _Propagation()
    for constraint in formula:
        propagation.add(constraint)
    for number, step in enumerate(proof.steps, 1):
        made: Constraint | str
        if step.constraint is not None:
            follows = propagation.refutes(_denied(step.constraint))
            made = step.constraint if follows else "does not follow by propagation"
        else:
            made = _sum(known, step.words)
        if isinstance(made, str):
            return Checked(False, number - 1, f"step {number:,} {made}")
        known.append(made)
        propagation.add(made)
    if not 1 <= proof.conclusion <= len(known) or not known[proof.conclusion - 1].hopeless:
        return Checked(False, len(proof.steps), f"constraint {proof.conclusion} is no contradiction")
    return Checked(True, len(proof.steps))


def _denied(constraint: Constraint) -> Constraint:
    """What holds if the constraint does not."""
    factors = {v: -factor for v, factor in constraint.factors.items()}
    return Constraint(factors, sum(map(abs, factors.values())) - constraint.degree + 1)


def _sum(known: Sequence[Constraint], words: Sequence[str]) -> Constraint | str:
    """What postfix notation comes to, or what is wrong with it."""
    stack: list[Constraint | int] = []
    for i, word in enumerate(words):
        literal = literal_of(word)
        if literal is not None:
            weakens = i + 1 < len(words) and words[i + 1] == "w"
            one = Constraint({abs(literal): 1 if literal > 0 else -1}, 0)
            stack.append(abs(literal) if weakens else one)
        elif word.isdecimal():
            if i + 1 < len(words) and words[i + 1] in ("*", "d"):
                stack.append(int(word))
            elif 1 <= int(word) <= len(known):
                stack.append(known[int(word) - 1])
            else:
                return f"names a constraint {word[:20]} that is not there"
        else:
            second = None if word == "s" else stack.pop() if stack else None
            first = stack.pop() if stack else None
            made = _operation(word, first, second)
            if made is None:
                return f"has nothing to apply {word!r} to"
            stack.append(made)
    if len(stack) != 1 or not isinstance(stack[0], Constraint):
        return "leaves more than one constraint, or none"
    return stack[0]


def _operation(
    word: str, first: Constraint | int | None, second: Constraint | int | None
) -> Constraint | None:
    if not isinstance(first, Constraint):
        return None
    factors, degree = first.factors, first.degree
    if word == "s":
        top = max(degree, 0)
        cut = {v: max(-top, min(top, f)) for v, f in factors.items()}
        return Constraint({v: f for v, f in cut.items() if f}, degree)
    if word == "+" and isinstance(second, Constraint):
        total, degree = dict(factors), degree + second.degree
        for v, f in second.factors.items():
            before = total.get(v, 0)
            if before * f < 0:
                degree -= min(abs(before), abs(f))  # x + ~x = 1
            total[v] = before + f
            if not total[v]:
                del total[v]
        return Constraint(total, degree)
    if not isinstance(second, int):
        return None
    if word == "*":
        return Constraint({v: f * second for v, f in factors.items()}, degree * second)
    if word == "d":
        up = {v: -(-f // second) if f > 0 else f // second for v, f in factors.items()}
        return Constraint(up, -(-degree // second))
    if word == "w":
        return Constraint(
            {v: f for v, f in factors.items() if v != second}, degree - abs(factors.get(second, 0))
        )
    return None


class _Propagation:
    """Constraints, and what they force: a literal without which a constraint cannot reach its degree."""

    def __init__(self) -> None:
        self._terms: list[list[tuple[int, int]]] = []  # (factor, literal), the greatest first
        self._slack: list[int] = []  # what the literals that are not false have beyond the degree
        self._having: dict[int, list[tuple[int, int]]] = defaultdict(list)  # literal: (constraint, factor)
        self._value: dict[int, bool] = {}  # of literals, both signs
        self._trail: list[int] = []
        self._contradiction = False

    def add(self, constraint: Constraint) -> None:
        """Add a constraint for good."""
        self._contradiction = self._taken(constraint) or self._contradiction

    def refutes(self, constraint: Constraint) -> bool:
        """Whether propagation comes to a contradiction from this constraint and those that are there."""
        if self._contradiction:
            return True
        before = len(self._trail)
        contradiction = self._taken(constraint)
        for literal in self._trail[before:]:
            del self._value[literal], self._value[-literal]
            for c, factor in self._having[-literal]:
                self._slack[c] += factor
        del self._trail[before:]
        for _, literal in self._terms.pop():
            self._having[literal].pop()
        self._slack.pop()
        return contradiction

    def _taken(self, constraint: Constraint) -> bool:
        """Add a constraint and propagate: whether there is a contradiction."""
        c, value, slacks = len(self._slack), self._value, self._slack
        terms = sorted(((abs(f), v if f > 0 else -v) for v, f in constraint.factors.items()), reverse=True)
        self._terms.append(terms)
        slacks.append(sum(f for f, literal in terms if value.get(literal, True)) - constraint.degree)
        for factor, literal in terms:
            self._having[literal].append((c, factor))
        if slacks[c] < 0:
            return True
        done = len(self._trail)
        self._force(c)
        while done < len(self._trail):
            having = self._having[-self._trail[done]]
            done += 1
            for other, factor in having:  # all of them, so that it can be undone
                slacks[other] -= factor
            for other, _ in having:
                if slacks[other] < 0:
                    for literal in self._trail[done:]:  # which no slack counts yet
                        del value[literal], value[-literal]
                    del self._trail[done:]
                    return True
                if self._terms[other][0][0] > slacks[other]:
                    self._force(other)
        return False

    def _force(self, c: int) -> None:
        """Make true what constraint c cannot do without."""
        slack, value = self._slack[c], self._value
        for factor, literal in self._terms[c]:
            if factor <= slack:
                break
            if literal not in value:
                value[literal], value[-literal] = True, False
                self._trail.append(literal)
