"""Where trials run: in this process, in processes of this machine, or on a cluster of Dask or Ray."""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any, Protocol

from edgekit.errors import EdgekitError

ENGINES = ("local", "dask", "ray")
_ANSWER_S = 20.0  # that a cluster has to answer


class Engine(Protocol):
    """Runs a function elsewhere."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]: ...


class _Here:
    """One trial at a time, in this process."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


class _Ray:
    """Tasks of a Ray cluster."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        future: Future[Any] = self._ray.remote(function).remote(*arguments).future()
        return future


@contextlib.contextmanager
def open_engine(kind: str, workers: int, scheduler: str = "") -> Iterator[Engine]:
    """An engine for the block; what is still running at its end, or at an error, is stopped.

    scheduler: the address of a cluster that exists; without it dask and ray start one on this machine, of
    so many workers. Raises EK504 for a missing package, EK601 where the cluster does not answer.
    """
    if kind == "local" and scheduler:
        raise EdgekitError(
            "EK001", "an address belongs to a cluster", where="--scheduler", found=scheduler,
            help="add --engine dask or --engine ray",
        )  # fmt: skip
    if kind == "local" and workers == 1:
        yield _Here()
        return
    opened = {"local": _pool, "dask": _dask, "ray": _ray}[kind](workers, scheduler)
    with opened as engine:
        yield engine


@contextlib.contextmanager
def _pool(workers: int, scheduler: str) -> Iterator[Engine]:
    # A fork would inherit locks of threads that BLAS and Optuna have started.
    context = multiprocessing.get_context("spawn")
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, initializer=_begin)
    try:
        yield pool
        pool.shutdown()
    finally:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        pool.shutdown(wait=False, cancel_futures=True)


def _begin() -> None:
    """Of a worker: it ends with the process that started it, even one that was killed; Ctrl-C, which reaches
    every process of a terminal, is that one's affair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _dask(workers: int, scheduler: str) -> Iterator[Engine]:
    distributed = _package("distributed", "dask")
    cluster: Any = scheduler
    if not scheduler:
        cluster = distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None
        )
    with contextlib.ExitStack() as stack:
        if not scheduler:
            stack.callback(cluster.close)
        try:
            client = stack.enter_context(distributed.Client(cluster, timeout=_ANSWER_S))
        except (OSError, ValueError) as silent:
            raise EdgekitError(
                "EK601", "the cluster does not answer", where="--scheduler", found=str(silent),
                help="start one with `dask scheduler`, and pass its tcp:// address",
            ) from None  # fmt: skip
        executor = client.get_executor(pure=False)
        try:
            yield executor
        finally:
            executor.shutdown(wait=False)


@contextlib.contextmanager
def _ray(workers: int, scheduler: str) -> Iterator[Engine]:
    ray = _package("ray", "ray")
    ray.init(**({"address": scheduler} if scheduler else {"num_cpus": workers}))
    try:
        yield _Ray(ray)
    finally:
        ray.shutdown()


def _package(name: str, extra: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise EdgekitError(
            "EK504", f"{extra} is not installed", where=f"--engine {extra}",
            found=f"no package {name}", help=f'pip install "edgekit[{extra}]"',
        ) from None  # fmt: skip
