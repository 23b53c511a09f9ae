"""The processes that train the runs of a sweep: workers of Dask, here or of a cluster that is there already."""

import logging
import os
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.interruption import Interruption
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.python_arguments import taken_up
from twinbar.host.experiment.sweep_figures import figures_of
from twinbar.host.experiment.sweep_fork_server import GUARD, METHOD, environment_of_workers, start_fork_server
from twinbar.host.experiment.sweep_kernels import compile_once
from twinbar.hw.errors import ConfigError, ToolMissingError, TwinbarError

if TYPE_CHECKING:
    from distributed import Client, Future, LocalCluster

CONNECTING_S: Final = 15.0
ASKED_EVERY_S: Final = 1.0
"""How often a run looks whether it shall stop, and a sweep what is finished."""
FAILURES: Final = 3
"""Workers that may die with a run; one more, and the run is taken for the cause."""
SETTINGS: Final = {
    "distributed.scheduler.allowed-failures": FAILURES,
    # It looks at the stack of a run a hundred times a second, for a page that is not served.
    "distributed.worker.profile.enabled": False,
    # Every server, those in the workers too, wakes fifty times a second to measure how late it is.
    "distributed.admin.tick.interval": "1s",
    "distributed.worker.multiprocessing-method": METHOD,
}
"""Settings of Dask, also of the workers that are started here."""


class SweepJob(NamedTuple):
    """A run to train.

    Parameters
    ----------
    name : str
        Of its folder.
    path : str
        Its folder, as the workers see it.
    config : str
        Its configuration, as TOML.
    """

    name: str
    path: str
    config: str


class SweepOutcome(NamedTuple):
    """What came of a run: its figures, or one sentence on why there are none."""

    figures: dict[str, float] | None
    failed: str | None
    host_seconds: float = 0.0
    warnings: tuple[str, ...] = ()


class Stopped(Exception):
    """The run was asked to stop; its checkpoint is complete."""


class Workers:
    """Trains runs on the workers of a Dask scheduler.

    Parameters
    ----------
    client : Client
    address : str
        How sentences call the scheduler.
    """

    def __init__(self, client: "Client", address: str) -> None:
        from distributed import Event

        self._client = client
        self._address = address
        self._stop_name = f"twinbar-stop-{os.urandom(8).hex()}"
        self._stop = Event(self._stop_name, client=client)

    def train(self, jobs: Sequence[SweepJob]) -> Iterator[tuple[SweepJob, SweepOutcome]]:
        """Train runs, and give each as soon as it is finished.

        Raises
        ------
        TwinbarError
            If the scheduler is gone.
        """
        from distributed import CancelledError, wait

        keys = [f"{job.name}-{os.urandom(6).hex()}" for job in jobs]
        submit = self._client.submit
        futures = {
            submit(train_job, job, self._stop_name, key=key, pure=False): job
            for job, key in zip(jobs, keys, strict=True)
        }
        try:
            while futures:
                try:
                    wait(list(futures), timeout=ASKED_EVERY_S, return_when="FIRST_COMPLETED")
                except TimeoutError:
                    self._check_scheduler()
                except CancelledError:
                    raise self._gone() from None
                for future in [future for future in futures if future.done()]:
                    yield futures.pop(future), self._outcome(future)
        finally:
            self._end(list(futures))

    def _outcome(self, future: "Future") -> SweepOutcome:
        if future.status in ("cancelled", "lost"):
            raise self._gone()
        error = future.exception()
        if error is None:
            outcome: SweepOutcome = future.result()
            return outcome
        from distributed.scheduler import KilledWorker

        if isinstance(error, KilledWorker):
            return SweepOutcome(None, f"{FAILURES + 1} workers died with it; they may have run out of memory")
        lines = str(error).strip().splitlines()
        text = lines[0] if lines else type(error).__name__
        return SweepOutcome(None, text if isinstance(error, TwinbarError) else f"{type(error).__name__}: {text}")

    def _check_scheduler(self) -> None:
        if self._client.status != "running":
            raise self._gone()

    def _gone(self) -> TwinbarError:
        return TwinbarError(
            f"the scheduler at {self._address} is gone; what is finished is kept. Resume with --scheduler and the "
            "address of another one, or with --scheduler none to train in processes here"
        )

    def _end(self, futures: "list[Future]") -> None:
        """Ask what is being trained to stop at its next checkpoint, and take back what has not begun."""
        if futures and self._client.status == "running":
            self._stop.set()
            self._client.cancel(futures, force=True)


@contextmanager
def workers(count: int | None, threads: int | None, scheduler: str | None) -> Iterator[Workers]:
    """Start workers, or connect to those of a scheduler, and let them end afterwards.

    Parameters
    ----------
    count : int or None
        Processes to start here; None: as many as keep the processor's cores busy.
    threads : int or None
        Threads of a run.
    scheduler : str or None
        Address of a scheduler that is there already.

    Raises
    ------
    ToolMissingError
        If Dask is not installed.
    ConfigError
        If the scheduler does not answer.
    """
    if find_spec("distributed") is None:
        raise ToolMissingError('a sweep needs Dask; install it with: pip install "twinbar[sweep]"')
    import dask
    from distributed import Client

    with dask.config.set(SETTINGS), _quiet_logs():
        if scheduler is not None:
            client = _connected(Client, scheduler)
            try:
                yield Workers(client, scheduler)
            finally:
                client.close(timeout=CONNECTING_S)
            return
        count = count or max(1, (os.cpu_count() or 1) // (threads or 1))
        with (
            tempfile.TemporaryDirectory(prefix="twinbar-sweep-") as scratch,
            _cluster(count, scratch) as cluster,
            Client(cluster) as client,
        ):
            yield Workers(client, str(cluster.scheduler_address))


def _cluster(count: int, scratch: str) -> "LocalCluster":
    """Start workers here.

    Raises
    ------
    TwinbarError
        If they do not start.
    KeyboardInterrupt
        Once they have started, if it was asked for meanwhile.
    """
    start_fork_server()
    from distributed import LocalCluster

    # Ctrl-C waits until they have started: Dask cannot close in order what is half started.
    interruption = Interruption()
    try:
        with interruption, warnings.catch_warnings():
            # Of another sweep: the port is that of a page which is not served.
            warnings.filterwarnings("ignore", "Port .* is already in use", UserWarning)
            cluster = LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                dashboard_address=None,
                local_directory=scratch,
                memory_limit=0,
                silence_logs=logging.CRITICAL,
                env=environment_of_workers(),
            )
    except RuntimeError as error:
        if interruption.requested:
            raise KeyboardInterrupt from None
        raise TwinbarError(f"the workers cannot be started ({error}); in a program of your own, {GUARD}") from None
    if interruption.requested:
        cluster.close()
        raise KeyboardInterrupt
    return cluster


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Keep tracebacks of a lost connection from the terminal: one sentence says it."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client", "distributed.core")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _connected(client: Any, scheduler: str) -> "Client":
    try:
        found: Client = client(scheduler, timeout=CONNECTING_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConfigError(
            f"no Dask scheduler answers at {scheduler} ({str(error).splitlines()[0] if str(error) else 'timeout'}); "
            "start one with: dask scheduler, or leave scheduler out to train in processes here"
        ) from None
    return found


def train_job(job: SweepJob, stop: str) -> SweepOutcome:
    """Train a run in a worker, or take it up where an earlier one was killed.

    Parameters
    ----------
    job : SweepJob
    stop : str
        Name of the event that asks the run to stop.

    Raises
    ------
    Stopped
        If it was asked to.
    """
    from twinbar.host.experiment.train import train

    compile_once()
    path, config = Path(job.path), ExperimentConfig.from_toml_text(job.config, job.name)
    interruption, done = Interruption(), threading.Event()
    watch = threading.Thread(target=_watch, args=(stop, interruption, done), daemon=True)
    watch.start()
    try:
        with taken_up(path, ExperimentConfig, config) as folder:
            report = train(config, folder, SilentProgress(), folder.resumed, interruption=interruption)
    except TwinbarError as error:
        return SweepOutcome(None, str(error))
    except KeyboardInterrupt:
        raise Stopped from None
    finally:
        done.set()
    return SweepOutcome(figures_of(report), None, report["totals"]["host_seconds"], tuple(report["warnings"]))


def _watch(stop: str, interruption: Interruption, done: threading.Event) -> None:
    from distributed import Event, get_client

    try:
        asked = Event(stop, client=get_client())
        while not done.wait(ASKED_EVERY_S):
            if asked.is_set():
                interruption.requested = True
                return
    except Exception:  # the scheduler is gone, and with it whoever could ask; the worker ends by itself
        return
