"""Closest vectors in a box: beam search, descent by one and two steps, Schnorr–Euchner enumeration.

All minimise ‖R·(z − r)‖² over integers 0 ≤ z ≤ width, R (m, m) upper triangular. Variables are decided from
the last to the first, so that row k of R closes level k: the squared distance so far only grows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from qnnt.compiled import compiled


@compiled()
def ascending(cost: Any, order: Any, n: int) -> None:
    """Put 0 … n-1 into ``order`` by ``cost``, least first: Shell's sort, as numba's takes 8 s to compile."""
    for i in range(n):
        order[i] = i
    gap = n // 2
    while gap > 0:
        for i in range(gap, n):
            t, j = order[i], i
            while j >= gap and cost[order[j - gap]] > cost[t]:
                order[j] = order[j - gap]
                j -= gap
            order[j] = t
        gap //= 2


class Beams(NamedTuple):
    """The partial assignments that a beam search keeps: ``count``[0] of them, the best first."""

    count: Any  # (1,)
    cost: Any  # (beams,) squared distance of the decided
    missed: Any  # (beams, m) Σ_j R[k, j]·(z_j − r_j) over what was decided before this block


@compiled()
def beam_block(R: Any, r: Any, width: Any, begin: int, end: int, beams: Beams) -> Any:
    """Decide the variables ``begin`` … ``end`` − 1, the last first; ``count`` and ``cost`` change in place.

    Returns (which of the assignments before it each one goes on from, their values (beams, end − begin),
    these less r).
    """
    most, size = len(beams.cost), end - begin
    x, kept = np.zeros((most, size), np.int64), np.zeros((most, size), np.int64)
    D, kept_D = np.zeros((most, size)), np.zeros((most, size))
    origin, kept_origin = np.arange(most), np.arange(most)
    cost, n, room = beams.cost, beams.count[0], 1
    for k in range(begin, end):  # loops, where a call of numpy's takes numba a second to compile
        room = max(room, most * min(1 + width[k], 2 * most + 1))
    child_cost, child_of, child_x = np.empty(room), np.empty(room, np.int64), np.empty(room, np.int64)
    order = np.empty(room, np.int64)
    for k in range(end - 1, begin - 1, -1):
        c = 0
        for i in range(n):
            b = beams.missed[origin[i], k]
            for j in range(k + 1, end):
                b += R[k, j] * D[i, j - begin]
            # of one parent's children, only the nearest can be among the best
            near: Any = np.int64(min(max(np.rint(r[k] - b / R[k, k]), 0.0), width[k] + 0.0))
            for value in range(max(near - most, 0), min(near + most, width[k]) + 1):
                y = b + R[k, k] * (value - r[k])
                child_cost[c], child_of[c], child_x[c] = cost[i] + y * y, i, value
                c += 1
        ascending(child_cost, order, c)
        n = min(c, most)
        for s in range(n):
            t = order[s]
            i = child_of[t]
            for j in range(k + 1 - begin, size):
                kept[s, j], kept_D[s, j] = x[i, j], D[i, j]
            kept[s, k - begin], kept_D[s, k - begin] = child_x[t], child_x[t] - r[k]
            kept_origin[s] = origin[i]
        for s in range(n):
            cost[s] = child_cost[order[s]]
        x, kept = kept, x
        D, kept_D = kept_D, D
        origin, kept_origin = kept_origin, origin
    beams.count[0] = n
    return origin, x, D


@compiled()
def descend(G: Any, gradient: Any, x: Any, width: Any, at: Any, columns: int) -> Any:
    """Lower xᵀGx + 2g·x by steps of ±1 in one variable, then in two; whether none helps any more.

    x (m,) and its ``gradient`` (m,) Gx + g are changed in place. Pairs are looked for in at most ``columns``
    columns (none for 0); calling it again goes on ``at`` the column where it stopped, (2,) with how many in a
    row had no pair that helps.
    """
    m, tiny = len(x), 0.0
    for i in range(m):
        tiny = max(tiny, G[i, i])
    tiny *= 1e-12
    while True:
        best, one, step = -tiny, -1, 0
        for i in range(m):
            for d in (-1, 1):
                if 0 <= x[i] + d <= width[i]:
                    change = 2 * d * gradient[i] + G[i, i]
                    if change < best:
                        best, one, step = change, i, d
        other, step2 = -1, 0
        while one < 0 and at[1] < m and columns > 0:  # the first column that has a good pair will do
            i = at[0]
            for d in (-1, 1):
                if not 0 <= x[i] + d <= width[i]:
                    continue
                first = 2 * d * gradient[i] + G[i, i]
                for j in range(i):
                    for e in (-1, 1):
                        if 0 <= x[j] + e <= width[j]:
                            change = first + 2 * e * gradient[j] + G[j, j] + 2 * d * e * G[i, j]
                            if change < best:
                                best, one, step, other, step2 = change, i, d, j, e
            columns -= 1
            if one < 0:
                at[0], at[1] = (i + 1) % m, at[1] + 1
        if one < 0:
            return at[1] >= m
        at[1] = 0
        x[one] += step
        for j in range(m):
            gradient[j] += step * G[one, j]
        if other >= 0:
            x[other] += step2
            for j in range(m):
                gradient[j] += step2 * G[other, j]


@compiled(fastmath=True)  # nothing rests on its last digits
def mix(M: Any, V: Any, sweeps: int, tolerance: float) -> Any:
    """The mixing method (Wang, Chang, Kolter 2017) for min ⟨M, VVᵀ⟩ with unit rows V (n, k), in place.

    Returns λ (n,), near the dual optimum of max Σλ, M − diag(λ) ⪰ 0; the caller has to make it feasible.
    """
    n, k = V.shape
    g, dual = np.empty(k), np.zeros(n)
    for _ in range(sweeps):
        moved, total = 0.0, 0.0
        for i in range(n):
            for c in range(k):
                g[c] = 0.0
            for j in range(n):
                a = M[i, j]
                for c in range(k):
                    g[c] += a * V[j, c]
            norm, a = 0.0, M[i, i]
            for c in range(k):
                g[c] -= a * V[i, c]
                norm += g[c] * g[c]
            norm = np.sqrt(norm)
            if norm > 0.0:
                for c in range(k):
                    V[i, c] = -g[c] / norm
            moved += abs(M[i, i] - norm - dual[i])
            dual[i] = M[i, i] - norm
            total += abs(dual[i])
        if moved <= tolerance * total:
            break
    return dual


class Convex(NamedTuple):
    """The form that is enumerated: ‖R·(z − r)‖² + ``offset`` is at most the cost of z, plus ``slack``."""

    R: Any  # (m, m) upper triangular
    U: Any  # (m, m) row k: how the optimum of the first k variables moves with variable k
    r: Any  # (m,) centre
    width: Any  # (m,)
    rate: Any  # (m, m) row k-1: λ ≥ 0 with R_kᵀR_k − diag(λ) ⪰ 0 for the leading k columns
    offset: float
    slack: float


class Cost(NamedTuple):
    """What is minimised: zᵀGz + 2g·z + f0."""

    G: Any  # (m, m)
    g: Any  # (m,)
    f0: float


class Path(NamedTuple):
    """Where the enumeration is: the path from the root of its tree to the present node."""

    at: Any  # (2,) the level, and how many nodes were seen
    x: Any  # (m,) the values decided
    moved: Any  # (m,) x − r of these
    optimum: Any  # (m, m) row k: the unconstrained optimum of the open variables 0..k
    centre: Any  # (m,) of each level, from R alone
    partial: Any  # (m+1,) squared distance of the decided
    below: Any  # (m+1,) a lower bound, without offset, of all that is left under the level's node
    left: Any  # (m,) next value to try on either side of the centre
    right: Any


@compiled()
def cost_of(cost: Cost, x: Any) -> Any:
    """The cost of x (m,)."""
    total = cost.f0
    for i in range(len(x)):
        t = 2 * cost.g[i]
        for j in range(len(x)):
            t += cost.G[i, j] * x[j]
        total += t * x[i]
    return total


@compiled()
def still_to_come(convex: Convex, path: Path, k: int, value: int) -> Any:
    """What variables 0..k-1 add at least once variable k has its ``value``; their optimum goes to row k-1."""
    shift, still = value - path.optimum[k, k], 0.0
    for i in range(k):
        o = path.optimum[k, i] - shift * convex.U[k, i]
        path.optimum[k - 1, i] = o
        d = abs(o - min(max(np.rint(o), 0.0), convex.width[i] + 0.0))
        still += convex.rate[k - 1, i] * d * d
    return still


@compiled()
def enumerate_box(convex: Convex, cost: Cost, path: Path, best: float, best_x: Any, nodes: int) -> Any:
    """Schnorr–Euchner enumeration, for at most ``nodes`` nodes; resumed by calling again.

    With the first k variables open and their unconstrained optimum c, at least Σ λ_i·dist(c_i, box)² is still
    to come. Nothing is left out whose cost is below best·(1 − 1e-9). ``path`` and ``best_x`` are changed in
    place. Returns (best cost, whether it ended).
    """
    R, r, width = convex.R, convex.r, convex.width
    centre, partial, left, right = path.centre, path.partial, path.left, path.right
    m = len(r)
    k, seen = path.at[0], 0
    room = convex.slack - convex.offset
    limit = best - 1e-9 * best + room
    while k < m and seen < nodes:
        a, b, c = left[k], right[k], centre[k]
        if a < 0 and b > width[k]:
            k += 1
            continue
        if a >= 0 and (b > width[k] or c - a <= b - c):
            value = a
            left[k] -= 1
        else:
            value = b
            right[k] += 1
        y = R[k, k] * (value - centre[k])
        p = partial[k + 1] + y * y
        seen += 1
        if p > limit:  # and the values left are further from the centre
            left[k], right[k] = -1, width[k] + 1
            k += 1
            continue
        path.x[k], path.moved[k] = value, value - r[k]
        if k == 0:
            reached = cost_of(cost, path.x)
            if reached < best:
                best = max(reached, 0.0)
                limit = best - 1e-9 * best + room
                best_x[:] = path.x
            continue
        still = still_to_come(convex, path, k, value)
        if p + still > limit:
            continue
        partial[k], path.below[k] = p, p + still
        k -= 1
        t = 0.0
        for j in range(k + 1, m):
            t += R[k, j] * path.moved[j]
        centre[k] = r[k] - t / R[k, k]
        near = np.int64(np.floor(min(max(centre[k], -1.0), width[k] + 0.0)))
        left[k], right[k] = near, near + 1
    path.at[0] = k
    path.at[1] += seen
    return best, k == m
