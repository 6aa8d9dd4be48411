"""How many threads numpy's products and factorisations of matrices use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """At most ``count`` for this process while the context is open; as many as ever without threadpoolctl.

    Where rows run beside each other or other work shares the machine, threads of one product wait for each
    other, and a row can take twenty times as long.
    """
    if find_spec("threadpoolctl") is None:
        yield
        return
    from threadpoolctl import threadpool_limits

    with threadpool_limits(count, user_api="blas"):
        yield
