"""DRAT files: both forms hold the same steps, and what is none is refused with its place."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import qnnt
from qnnt.files import drat
from qnnt.files.drat import Steps, parse_drat, read_drat, write_drat

LITERALS = st.integers(1, 10**9 - 1).flatmap(lambda v: st.sampled_from([v, -v]))
STEPS = st.lists(st.tuples(st.booleans(), st.lists(LITERALS | st.integers(1, 70), min_size=1, max_size=5)))


def steps_of(rows: list[tuple[bool, list[int]]]) -> Steps:
    starts = np.cumsum([0, *(len(row) for _, row in rows)])
    flat = [literal for _, row in rows for literal in row]
    return Steps(np.array(flat, dtype=np.int32), starts, np.array([d for d, _ in rows], dtype=bool))


def rows_of(steps: Steps) -> list[tuple[bool, list[int]]]:
    bounds = zip(steps.starts[:-1], steps.starts[1:], strict=True)
    return [(bool(d), steps.literals[a:b].tolist()) for d, (a, b) in zip(steps.deletes, bounds, strict=True)]


def binary(rows: list[tuple[bool, list[int]]]) -> bytes:
    """Literal by literal, as the format is defined."""
    out = bytearray()
    for deletes, row in rows:
        out += b"d" if deletes else b"a"
        for literal in row:
            code = 2 * abs(literal) + (literal < 0)
            while code > 127:
                out.append(128 | code & 127)
                code >>= 7
            out.append(code)
        out.append(0)
    return bytes(out)


@given(rows=STEPS)
def test_both_forms_hold_the_same_steps(rows: list[tuple[bool, list[int]]]) -> None:
    text = io.StringIO()
    write_drat(text, steps_of(rows))
    lines = [f"{'d ' if deletes else ''}{' '.join(map(str, row))} 0\n" for deletes, row in rows]
    assert text.getvalue() == "".join([*lines, "0\n"])
    assert rows_of(parse_drat(text.getvalue().encode()).until_empty()) == rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drat, "_CHUNK", 64)
        assert rows_of(parse_drat(binary(rows))) == rows


def test_what_follows_the_empty_clause_is_left_out() -> None:
    steps = parse_drat(b"1 2 0\nd 1 2 0\n0\n3 0\n")
    text = io.StringIO()
    write_drat(text, steps)
    assert text.getvalue() == "1 2 0\nd 1 2 0\n0\n"
    assert len(parse_drat(b"")) == 0


def test_comments_and_blank_lines_are_skipped() -> None:
    steps = parse_drat(b"c by a, d\n\n1 2 0\n  c 3 0\nd 1 2 0\r\n \t\r\n0\n\nc\n")
    assert rows_of(steps) == [(False, [1, 2]), (True, [1, 2]), (False, [])]
    assert rows_of(parse_drat(b"d 1 0\nc \xc3\xa9\n")) == [(True, [1])]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"1 2 0\n1 2", "line 2"),
        (b"1 2 0\n1 2\n", "line 2"),
        (b"1 0 2 0\n", "line 1"),
        (b"1 0\n-0 0\n", "line 2"),
        (b"1 0\n1d 0\n", "line 2"),
        (b"1 0\n12345678901 0\n", "line 2"),
        (b"a\x02\x00a\x04", "byte 0"),
        (b"a\x02\x00b\x04\x00", "byte 3"),
        (b"a\x01\x00", "byte 1"),
        (b"a\xff\xff\xff\xff\xff\x01\x00", "byte 1"),
        (b"no proof at all", "byte 0"),
        (b"\x00", "byte 0"),
        (b"\xef\xbb\xbf0\n", "byte 0"),
        (b"\xe4\x00", "byte 0"),
        (b"a\xe4\x00", "byte 1"),
        (b"a\x02\x84\x00", "byte 2"),
        (b"a\x02\x00d\x80\x00", "byte 4"),
        (b"a\x00\x00", "byte 2"),
        (b"a\x02", "byte 0"),
        (b"d 1 0\xff\n", "line 1"),
        (b"c x\n1 0 2 0\n", "line 2"),
    ],
)
def test_what_is_no_proof_is_refused_with_its_place(tmp_path, data: bytes, place: str) -> None:
    (tmp_path / "proof.drat").write_bytes(data)
    with pytest.raises(qnnt.InputError) as refused:
        read_drat(tmp_path / "proof.drat")
    assert refused.value.place == place
