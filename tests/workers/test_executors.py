"""Executors by name: what their names say, what ends with them, and that a lost process is made up for."""

from __future__ import annotations

import importlib.util
import threading
import time
from concurrent.futures import Future

import pytest
from processes import alive, dies, end_soon, waits

from qnnt.exceptions import InputError, LostTask, Unavailable
from qnnt.limits import Limit
from qnnt.workers.executors import HereExecutor, LocalExecutor, apart, failure, in_order
from qnnt.workers.named import check_executor, open_executor

NO_NAMES = "|4|processes|processes:|processes:0|processes:-1|processes:1e3|processes:٣| processes:2|threads:2"
NO_NAMES += "|dask|dask:|dask:x|dask://|dask://host|dask://:8786|dask://host:123456"


@pytest.mark.parametrize("name", NO_NAMES.split("|"))
def test_a_name_that_is_none(name):
    with pytest.raises(InputError, match="--executor: must be processes:N, dask:N or dask://HOST:PORT"):
        check_executor(name, "--executor")


@pytest.mark.parametrize("name", ["dask:2", "dask://host:8786", "dask://tls://[::1]:8786"])
def test_without_dask_the_command_that_installs_it_is_told(monkeypatch, name):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(Unavailable, match=r"pip install 'qnnt\[dask\]'"):
        open_executor(name)
    check_executor("processes:2")


def test_a_lost_process_is_made_up_for(tmp_path):
    ended = apart("testing", dies, str(tmp_path / "twice"), 2)
    assert (ended.answer, ended.lost) == (2, False)
    ended = apart("testing", dies, str(tmp_path / "always"), 99)
    assert (ended.answer, ended.lost) == (None, True)
    assert "SIGKILL" in str(ended.reason)
    assert (tmp_path / "always").read_text() == "xxx"


def test_the_end_of_an_executor_ends_what_runs_in_it(tmp_path):
    note = tmp_path / "pid"
    with LocalExecutor(1) as executor:
        running, waiting = (executor.submit(apart, "testing", waits, str(note)) for _ in range(2))
        while not (note.exists() and note.read_text()):
            assert not running.done(), running.result()
            time.sleep(0.01)
        assert alive(int(note.read_text()))
    assert running.result().limit is Limit.INTERRUPT
    assert waiting.cancelled()
    assert end_soon({int(note.read_text())})


def test_results_come_in_order_and_a_lost_one_is_an_error():
    def slow_first(i: int) -> int:
        time.sleep(0.05 if i == 0 else 0)
        if i == 5:
            raise ArithmeticError("two and two")
        return i * i

    calls = [(i,) for i in range(5)]
    with LocalExecutor(3) as three:
        for executor in (None, HereExecutor(), three):
            assert list(in_order(executor, slow_first, calls)) == [0, 1, 4, 9, 16]
            results = in_order(executor, slow_first, [(1,), (5,)])
            assert next(results) == 1
            with pytest.raises(ArithmeticError if executor is None else LostTask, match="two and two"):
                next(results)


def test_why_there_is_no_result():
    future: Future[int] = Future()
    future.cancel()
    assert failure(future) == "the executor dropped it"
    with HereExecutor() as here:
        assert failure(here.submit(int, "7")) is None
        assert str(failure(here.submit(int, "x"))).startswith("ValueError: ")
        assert here.submit(threading.get_ident).result() == threading.get_ident()
