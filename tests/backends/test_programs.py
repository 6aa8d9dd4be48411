"""Programs that are run and listened to: what they have started ends with them."""

from pathlib import Path

import pytest
from processes import end_soon

from qnnt.backends.programs import listen, too_much

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="only Linux tells what a process has started"
)


@pytest.fixture
def wrapped(tmp_path):
    """A script that waits for a solver; the solver notes its number and does ``text`` again and again."""

    def write(text, trap):
        path = tmp_path / "wrapper"
        solver = f"trap {trap!r} TERM; trap '' PIPE; echo $$ > {tmp_path}/pid; while :; do {text}; done"
        path.write_text(f'#!/bin/sh\nsh -c "{solver.replace("$", chr(92) + "$")}"\necho over\n')
        path.chmod(0o755)
        return [str(path)]

    return write


def pid(folder):
    return int((folder / "pid").read_text())


def test_a_solver_behind_a_script_is_told_to_end_and_heard(wrapped, tmp_path):
    lines = []
    end = listen(wrapped("sleep 0.05", "echo s OPTIMUM FOUND; exit"), 1000, lines.append, 1.0)
    assert end.late
    assert b"s OPTIMUM FOUND" in lines
    assert end_soon({pid(tmp_path)})


def test_a_solver_behind_a_script_that_does_not_end_is_killed(wrapped, tmp_path):
    assert listen(wrapped("sleep 0.05", ""), 1000, [].append, 1.0).late
    assert end_soon({pid(tmp_path)})


def test_a_solver_behind_a_script_that_prints_too_much_is_killed(wrapped, tmp_path):
    with pytest.raises(RuntimeError, match=str(too_much(str(tmp_path / "wrapper")))):
        listen(wrapped("printf 123456789", "exit"), 1000, [].append)
    assert end_soon({pid(tmp_path)})
