"""Solvers that crash, hang, lie or eat memory are survived, and never become an answer."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from faulty import Faulty
from processes import children, ctrl_c, descendants, end_soon

import qnnt
from qnnt import registry
from qnnt.generate.teacher import teacher_instance
from qnnt.job import Incumbent, Job
from qnnt.workers import pool
from qnnt.workers.task import Ended, run_here

HUMP = qnnt.Dataset([[0], [1], [-1]], [[1], [0], [0]], [2, 2, 1])
BEST = (-1, -1)  # a weight and a bias


@pytest.fixture
def instance() -> qnnt.Instance:
    """The best network has one error, the best that ignores its input, which is the zero network, two."""
    return qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), HUMP, qnnt.Minimize())


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("abort", "SIGABRT"),
        ("segfault", "SIGSEGV"),
        ("real-time", "signal 40: "),
        ("exit", "status 0"),
        ("torn-message", "status 1"),
        ("raise", "ArithmeticError: two and two make five"),
        ("unknown", "gave no reason"),
    ],
)
def test_a_crash_is_unknown_with_its_reason(instance: qnnt.Instance, fault: str, reason: str) -> None:
    result = qnnt.solve(instance, backend=Faulty(fault))
    assert result.status is qnnt.Status.UNKNOWN
    assert reason in (result.reason or "")
    assert result.limit is None
    assert (result.errors, result.verified) == (2, True)  # of the network that needs no backend
    assert qnnt.solve(instance, backend="enumeration").errors == 1


def test_what_was_found_before_a_crash_is_kept(instance: qnnt.Instance) -> None:
    result = qnnt.solve(instance, backend=Faulty("incumbent-then-abort", vector=BEST))
    assert result.status is qnnt.Status.UNKNOWN
    assert (result.errors, result.lower_bound, result.verified) == (1, 0, True)


def test_a_network_found_before_a_crash_can_decide(instance: qnnt.Instance) -> None:
    crash = Faulty("incumbent-then-abort", vector=BEST)
    assert qnnt.solve(instance, goal=qnnt.AtMost(1), backend=crash).status == "SATISFIABLE"
    contradiction = qnnt.Dataset([[0], [1], [0]], [[1], [0], [0]], [2, 2, 1])
    torn = qnnt.Instance(instance.domain, instance.architecture, contradiction, qnnt.Minimize())
    assert qnnt.solve(torn, backend=crash).status == "OPTIMAL"


@pytest.mark.parametrize("fault", ["hang", "hold-gil", "incumbent-then-hang"])
def test_a_time_limit_ends_what_does_not_end_itself(instance: qnnt.Instance, fault: str) -> None:
    before = children()
    result = qnnt.solve(instance, backend=Faulty(fault, vector=BEST), limits=qnnt.Limits(time=0.3))
    assert (result.status, result.limit) == (qnnt.Status.UNKNOWN, qnnt.Limit.TIME)
    assert result.errors == (1 if fault.startswith("incumbent") else 2)
    assert children() <= before


def test_a_memory_limit_ends_what_eats_memory(instance: qnnt.Instance) -> None:
    result = qnnt.solve(instance, backend=Faulty("eat-memory"), limits=qnnt.Limits(memory=2000))
    assert (result.status, result.limit) == (qnnt.Status.UNKNOWN, qnnt.Limit.MEMORY)
    after = qnnt.solve(instance, backend=Faulty("unknown"))
    assert after.limit is None


@pytest.mark.parametrize("backend", ["sat:kissat404", "cpsat", "sat:glucose4"])
def test_a_memory_limit_too_small_to_work_is_that_limit(instance: qnnt.Instance, backend: str) -> None:
    pool.close_workers()  # one that has its libraries already needs no more memory
    result = qnnt.solve(instance, backend=backend, limits=qnnt.Limits(memory=100))
    assert (result.status, result.limit) == (qnnt.Status.UNKNOWN, qnnt.Limit.MEMORY)


def test_openblas_says_in_its_own_words_that_memory_ran_out(instance: qnnt.Instance) -> None:
    words = "OpenBLAS error: Memory allocation still failed after 10 retries, giving up."
    result = qnnt.solve(instance, backend=Faulty("last-words", words), limits=qnnt.Limits(memory=4000))
    assert (result.status, result.limit) == (qnnt.Status.UNKNOWN, qnnt.Limit.MEMORY)


@pytest.mark.parametrize("memory", [150, 180])
def test_highs_says_itself_that_memory_ran_out(memory: int) -> None:
    """It has begun to search by then: too little memory to begin is another case."""
    pool.close_workers()
    large = teacher_instance(5, [6, 4, 2], 400)
    result = qnnt.solve(large, backend="milp:highs", limits=qnnt.Limits(memory=memory))
    assert (result.status, result.limit) == (qnnt.Status.UNKNOWN, qnnt.Limit.MEMORY)


@pytest.mark.parametrize("fault", ["hang", "abort"])
def test_news_that_had_come_before_the_time_limit_counts(instance: qnnt.Instance, fault: str) -> None:
    """The caller takes longer than the limit over the first news; the incumbent waits meanwhile."""
    before, heard = children(), []

    def slow(news: qnnt.Progress) -> None:
        heard.append(news)
        if len(heard) == 1:
            time.sleep(1.0)

    limits = qnnt.Limits(time=0.5)
    crash = Faulty(f"incumbent-then-{fault}", vector=BEST)
    result = qnnt.solve(instance, backend=crash, limits=limits, progress=slow)
    assert (result.status, result.limit, result.errors) == (qnnt.Status.UNKNOWN, qnnt.Limit.TIME, 1)
    assert heard[-1].incumbent == 1
    assert children() <= before


def test_an_answer_that_had_come_before_the_time_limit_counts(instance: qnnt.Instance) -> None:
    qnnt.solve(instance, backend="enumeration")  # its worker is warm now
    before, heard = children(), []

    def slow(news: qnnt.Progress) -> None:
        heard.append(news)
        if len(heard) == 1:
            time.sleep(1.5)

    limits = qnnt.Limits(time=1.0)
    result = qnnt.solve(instance, backend="enumeration", limits=limits, progress=slow)
    assert (result.status, result.errors) == (qnnt.Status.OPTIMAL, 1)
    assert children() <= before


@pytest.mark.parametrize("isolate", [True, False])
@pytest.mark.parametrize("error", [BrokenPipeError, EOFError, ValueError, MemoryError, qnnt.Unsupported])
def test_errors_of_the_callback_are_raised(
    instance: qnnt.Instance, error: type[Exception], isolate: bool
) -> None:
    before = children()

    def fail(news: qnnt.Progress) -> None:
        raise error("of the caller")

    with pytest.raises(error, match="of the caller"):
        qnnt.solve(instance, backend="enumeration", isolate=isolate, progress=fail)
    assert children() <= before


def test_an_error_of_the_callback_is_raised_though_the_task_swallows_it() -> None:
    class Deaf:
        def execute(self, tell, hear) -> int:
            with contextlib.suppress(ValueError):
                tell(1)
            return 2

    def fail(_: int) -> None:
        raise ValueError("of the caller")

    with pytest.raises(ValueError, match="of the caller"):
        run_here(Deaf(), fail)


def test_an_interrupt_gives_back_what_was_found(instance: qnnt.Instance) -> None:
    before = children()
    with ctrl_c() as press:
        result = qnnt.solve(
            instance,
            backend=Faulty("incumbent-then-hang", vector=BEST),
            progress=lambda p: press() if p.incumbent == 1 else None,
        )
    assert (result.status, result.limit) == (qnnt.Status.UNKNOWN, qnnt.Limit.INTERRUPT)
    assert result.errors == 1
    assert children() <= before


def test_a_killed_solver_takes_its_own_children_along(instance: qnnt.Instance, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    qnnt.solve(instance, backend=Faulty("child", str(note)), limits=qnnt.Limits(time=1.0))
    assert end_soon({int(note.read_text())})


def test_a_killed_solver_leaves_no_files(instance: qnnt.Instance, tmp_path: Path) -> None:
    note = tmp_path / "folder"
    qnnt.solve(instance, backend=Faulty("litter", str(note)), limits=qnnt.Limits(time=1.0))
    assert not Path(note.read_text()).exists()


def test_a_worker_that_is_killed_as_it_starts_is_lost(
    instance: qnnt.Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(subprocess.Popen[bytes]):
        def __init__(self, *words: Any, **options: Any) -> None:
            super().__init__(*words, **options)
            self.kill()
            self.wait()

    pool.close_workers()
    monkeypatch.setattr(pool.subprocess, "Popen", Killed)
    result = qnnt.solve(instance, backend="enumeration")
    assert (result.status, result.reason) == (
        "UNKNOWN",
        "the solver process ended with signal 9 (SIGKILL): no message",
    )


def test_a_worker_that_dies_as_it_has_answered_leaves_nothing() -> None:
    worker = pool.Worker()
    folder = worker._folder.path
    worker.signal(signal.SIGKILL)
    worker._process.wait()
    pool._POOL.give("of nobody", worker)
    assert not folder.exists()


PARENT = """
import os, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import numpy as np
import qnnt
from faulty import Faulty
from processes import children, descendants, end_soon
from qnnt.generate.teacher import teacher_instance
def tell(p):
    if p.phase == "solve":
        Path({note!r}).write_text(Path("/proc/self/task", str(os.getpid()), "children").read_text())
qnnt.solve(teacher_instance(5, [6, 4, 2], 400), backend={backend}, progress=tell)
"""
PROGRAM = Path(__file__).parents[1] / "conformance" / "dimacs_solver.py"


@pytest.mark.parametrize("backend", ["Faulty('hold-gil')", f"'dimacs:{PROGRAM}'", "'milp:cbc'"])
def test_solvers_die_with_a_parent_that_is_killed(tmp_path: Path, backend: str) -> None:
    note = tmp_path / "pid"
    script = PARENT.format(tests=str(Path(__file__).parents[1]), note=str(note), backend=backend)
    # What a killed parent leaves in its temporary folder goes with the test's.
    parent = subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "TMPDIR": str(tmp_path)})
    expected = 1 if "Faulty" in backend else 2  # the worker, and the program that it waits for
    while not note.exists() or len(descendants(parent.pid)) < expected:
        assert parent.poll() is None
        time.sleep(0.05)
    processes = descendants(parent.pid)
    parent.kill()
    parent.wait()
    assert end_soon(processes)


def test_what_a_solver_prints_goes_nowhere(
    instance: qnnt.Instance, capfd: pytest.CaptureFixture[str]
) -> None:
    result = qnnt.solve(instance.with_goal(qnnt.Exactly(1)), backend=Faulty("chatter", vector=BEST))
    assert result.status is not qnnt.Status.UNKNOWN
    assert capfd.readouterr() == ("", "")


def test_words_of_an_earlier_task_explain_no_end(instance: qnnt.Instance) -> None:
    note = "cannot allocate memory\n"
    assert "gave no reason" in (qnnt.solve(instance, backend=Faulty("complains", note)).reason or "")
    ended = qnnt.solve(instance, backend=Faulty("abort"), limits=qnnt.Limits(time=60))
    assert "SIGABRT" in (ended.reason or "")
    assert "memory" not in (ended.reason or "")


@pytest.mark.parametrize(
    ("fault", "goal"),
    [
        ("false-network", qnnt.AtMost(0)),
        ("false-network", qnnt.Exactly(0)),
        ("no-network", qnnt.AtMost(0)),
        ("false-optimum", qnnt.Minimize()),
        ("false-cost", qnnt.Minimize()),
        ("false-bound", qnnt.Minimize()),
        ("false-impossible", qnnt.Minimize()),
        ("false-impossible", qnnt.AtMost(1)),
    ],
)
@pytest.mark.parametrize("isolate", [True, False])
def test_a_lie_is_raised(instance: qnnt.Instance, fault: str, goal: qnnt.AtMost, isolate: bool) -> None:
    with pytest.raises(qnnt.WrongAnswer):
        qnnt.solve(instance, goal=goal, backend=Faulty(fault, vector=BEST), isolate=isolate)


def test_a_network_outside_the_domain_is_no_answer(instance: qnnt.Instance) -> None:
    with pytest.raises(qnnt.QnntError, match="not in Z_3"):
        qnnt.solve(instance, backend=Faulty("outside"))


def test_missing_and_declining_backends_say_so(instance: qnnt.Instance) -> None:
    with pytest.raises(qnnt.Unavailable, match="nobody wrote it"):
        qnnt.solve(instance, backend=Faulty("missing"))
    with pytest.raises(qnnt.Unsupported, match="try another"):
        qnnt.solve(instance, backend=Faulty("declines"))
    with pytest.raises(qnnt.Unsupported, match="one thread"):
        qnnt.solve(instance, backend="sat", limits=qnnt.Limits(threads=2))
    with pytest.raises(qnnt.Unsupported, match="process of its own"):
        qnnt.solve(instance, backend="sat", limits=qnnt.Limits(memory=100), isolate=False)
    with pytest.raises(qnnt.UnknownWord, match="no backend 'nonsense'"):
        qnnt.solve(instance, backend="nonsense")
    with pytest.raises(qnnt.UnknownWord, match="no sat variant 'nonsense'; there are: cadical103"):
        qnnt.solve(instance, backend="sat:nonsense")
    with pytest.raises(qnnt.Unsupported, match="it takes: clauses"):
        qnnt.solve(instance, backend="maxsat", encoder="milp")


def test_a_worker_is_reused_and_replaced_when_dead(instance: qnnt.Instance) -> None:
    pool.close_workers()
    before = children()
    for _ in range(3):
        qnnt.solve(instance, backend="enumeration")
    (worker,) = children() - before
    os.kill(worker, signal.SIGKILL)
    assert qnnt.solve(instance, backend="enumeration").errors == 1
    assert worker not in children()


def test_a_worker_that_is_reused_is_where_its_parent_is(
    instance: qnnt.Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each folder has another program of the same name, which tells a variable of the environment."""
    pool.close_workers()
    before = children()
    for folder in map(tmp_path.joinpath, ("first", "second")):
        folder.mkdir()
        (folder / "sol").write_text(f'#!/bin/sh\necho "{folder.name} $WORD"\nexit 1\n')
        (folder / "sol").chmod(0o755)
    for folder, word in (("first", "here"), ("second", "there")):
        monkeypatch.chdir(tmp_path / folder)
        monkeypatch.setenv("WORD", word)
        result = qnnt.solve(instance, goal=qnnt.AtMost(1), backend="dimacs:./sol")
        assert str(result.reason).endswith(f"(exit status 1): {folder} {word}")
    assert len(children() - before) == 1
    (tmp_path / "second" / "sol").unlink()
    (tmp_path / "second").rmdir()
    assert qnnt.solve(instance, backend="dimacs:/bin/false").status == "UNKNOWN"


def _ended(running: pool.Running) -> Ended:
    for _ in range(300):
        ended = running.take_in() if pool.heard([running], 0.1) else None
        if ended is not None:
            return ended
    running.kill()
    raise AssertionError("the task hears nothing")


def _job(instance: qnnt.Instance, fault: str, note: Path) -> Job:
    return Job(instance, registry.encoder("direct"), Faulty(fault, str(note)), qnnt.Limits(time=60.0))


def test_a_message_is_for_the_task_that_runs(instance: qnnt.Instance, tmp_path: Path) -> None:
    """The next task of the same worker does not find it."""
    note, message = tmp_path / "note", Incumbent(np.array(BEST), 1)
    pool.close_workers()
    running = pool.Running(_job(instance, "waits-for-news", note), lambda _: None)
    running.inform(message)
    assert _ended(running).answer.cost == 1
    assert note.read_text() == "([-1, -1], 1)"
    running.inform(message)
    assert _ended(pool.Running(_job(instance, "known-note", note), lambda _: None)).answer is not None
    assert note.read_text() == "None"


def test_a_message_outlives_an_idle_worker_that_was_dead(
    instance: qnnt.Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.close_workers()
    before = children()
    qnnt.solve(instance, backend=Faulty("unknown"))
    (worker,) = children() - before
    os.kill(worker, signal.SIGKILL)
    monkeypatch.setattr(pool.Worker, "alive", True)  # it dies after this was asked
    running = pool.Running(_job(instance, "waits-for-news", tmp_path / "note"), lambda _: None)
    running.inform(Incumbent(np.array(BEST), 1))
    assert _ended(running).answer.cost == 1


def test_a_task_of_a_dead_worker_that_gets_no_other_is_lost(
    instance: qnnt.Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.close_workers()
    before = children()
    qnnt.solve(instance, backend="enumeration")
    (worker,) = children() - before
    os.kill(worker, signal.SIGKILL)
    monkeypatch.setattr(pool.Worker, "alive", True)  # it dies after this was asked
    no_more = qnnt.Unavailable("no temporary folder can be made")
    monkeypatch.setattr(pool, "Worker", Mock(side_effect=no_more))
    result = qnnt.solve(instance, backend="enumeration")
    assert (result.status, result.reason, result.errors) == ("UNKNOWN", str(no_more), 2)


def test_runs_in_parallel_threads_do_not_mix() -> None:
    architecture, domain = qnnt.Architecture.dense([2, 1]), qnnt.Domain(3)
    x = np.array([[0, 1], [1, 0], [1, 1]])
    labels = {0: [[0], [1], [1]], 1: [[1], [1], [0]]}  # by the errors of the best network
    found: dict[int, list[int | None]] = {0: [], 1: []}

    def work(least: int) -> None:
        instance = qnnt.Instance(domain, architecture, qnnt.Dataset(x, labels[least]), qnnt.Minimize())
        found[least] += [qnnt.solve(instance, backend="sat").errors for _ in range(5)]

    threads = [threading.Thread(target=work, args=(least,)) for least in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: [0] * 5, 1: [1] * 5}


def test_a_class_of_the_program_itself_is_told_from_a_crash(tmp_path: Path) -> None:
    """A worker cannot import what ``__main__`` defines; the message says what to do."""
    program = tmp_path / "program.py"
    program.write_text(
        "import qnnt\n"
        "from qnnt.backends.enumeration import EnumerationBackend\n"
        "class Mine(EnumerationBackend): pass\n"
        "data = qnnt.Dataset([[0], [1]], [[1], [0]])\n"
        "instance = qnnt.Instance(qnnt.Domain(3), qnnt.Architecture.dense([1, 1]), data)\n"
        "print(qnnt.solve(instance, backend=Mine()).reason)\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    assert "Can't get attribute 'Mine'" in done.stdout
    assert "put the class into a module that can be imported, or run with isolate=False" in done.stdout
