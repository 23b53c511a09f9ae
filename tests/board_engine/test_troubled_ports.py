"""Training through a port whose server is killed or stands still, with flipped bits and other hosts: same result."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from software_runs import BOARD, make_board, result_of, run

from twinbar.host.board.serving import serving
from twinbar.host.board.software_board import SoftwareBoard
from twinbar.host.transport.endpoint import Endpoint, PtyEndpoint, TcpEndpoint
from twinbar.host.transport.faulty_line import FaultRates, FrameFaults
from twinbar.host.transport.open_line import open_line
from twinbar.hw.errors import LinkError

MakeEndpoint = Callable[[], Endpoint]
STALL_S = 0.6
"""Longer than a host waits before it asks, shorter than it waits before it gives up."""


@pytest.fixture(scope="module")
def expected(compiled_kernels: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of the engine `fast`."""
    report, _ = run(tmp_path_factory.mktemp("fast") / "run", {})
    return result_of(report)


@pytest.fixture(params=["pty", "tcp"])
def make_endpoint(request: pytest.FixtureRequest, tmp_path: Path) -> MakeEndpoint:
    """Make endpoints of one name, one after the other."""
    if request.param == "pty":
        return lambda: PtyEndpoint(tmp_path / "port")
    first: list[TcpEndpoint] = []

    def make() -> Endpoint:
        number = int(first[0].name.rpartition(":")[2]) if first else 0
        first.append(TcpEndpoint(number))
        return first[-1]

    return make


class TroubledEndpoint:
    """An endpoint whose bytes are damaged on the way, and which stands still at times.

    Parameters
    ----------
    endpoint : Endpoint
    share : float
        Of frames that are damaged.
    """

    def __init__(self, endpoint: Endpoint, share: float) -> None:
        self._endpoint, self.name = endpoint, endpoint.name
        self.faults = [FrameFaults(FaultRates(flip=share), np.random.default_rng(seed)) for seed in (1, 2)]
        self._unsent = b""
        self.stalls_at: list[int] = []
        """Bytes received before it stands still (how often a server asks depends on the machine); each is used once."""
        self.received = 0

    @property
    def connected(self) -> bool:
        return self._endpoint.connected

    def receive(self) -> bytes:
        data = self._endpoint.receive()
        self.received += len(data)
        if self.stalls_at and self.received >= self.stalls_at[0]:
            self.stalls_at.pop(0)
            time.sleep(STALL_S)
        return self.faults[0].pass_on(data)

    def send(self, data: bytes) -> int:
        self._unsent += self.faults[1].pass_on(data)
        self._unsent = self._unsent[self._endpoint.send(self._unsent) :]
        return len(data)

    def wait(self, seconds: float) -> None:
        self._endpoint.wait(seconds)

    def close(self) -> None:
        self._endpoint.close()


@contextlib.contextmanager
def training(path: Path, port: str) -> Iterator[list[dict[str, Any]]]:
    """Train in another thread; the report is there when it has ended."""
    reports: list[dict[str, Any]] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            reports.append(run(path, BOARD | {"engine.port": port, "engine.check": True})[0])
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    yield reports
    thread.join()
    assert failures == []


def until_it_writes(board: SoftwareBoard) -> None:
    while not board.controller.cells()["pulses"].any():
        time.sleep(0.005)


def knock(port: str) -> None:
    with contextlib.closing(open_line(port, 2_000_000)) as line:
        for _ in range(100):
            line.write(b"\0\0")
            line.read(0.2)


def test_flipped_bits_and_a_server_that_stands_still_cost_nothing(
    expected: dict[str, Any], make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    endpoint = TroubledEndpoint(make_endpoint(), 0.01)
    endpoint.stalls_at = [20_000, 45_000, 70_000]
    with serving(make_board(), endpoint), training(tmp_path / "run", endpoint.name) as reports:
        pass
    assert result_of(reports[0]) == expected
    assert reports[0]["board"]["differing_responses"] == 0
    assert sum(each.damaged for each in endpoint.faults) > 3
    assert endpoint.stalls_at == []


def test_a_server_that_is_killed_twice_costs_nothing(
    expected: dict[str, Any], make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    """The board keeps its cells and its session; its port goes away under the host, and comes back."""
    board = make_board()
    with contextlib.ExitStack() as last:
        with contextlib.ExitStack() as first:
            port = first.enter_context(serving(board, make_endpoint()))
            reports = last.enter_context(training(tmp_path / "run", port))
            until_it_writes(board)
        time.sleep(0.2)
        with serving(board, make_endpoint()) as again:
            assert again == port
            time.sleep(0.1)
        time.sleep(0.2)
        kept = contextlib.ExitStack()
        kept.enter_context(serving(board, make_endpoint()))
        last.callback(kept.close)
        while not reports and threading.active_count() > 2:
            time.sleep(0.01)
    assert result_of(reports[0]) == expected
    assert reports[0]["board"]["lost_ports"] >= 1


def test_others_who_want_the_port_are_turned_away(
    expected: dict[str, Any], make_endpoint: MakeEndpoint, tmp_path: Path
) -> None:
    board = make_board()
    with serving(board, make_endpoint()) as port, training(tmp_path / "run", port) as reports:
        until_it_writes(board)
        for _ in range(5):
            # A serial port is locked; a TCP port takes the connection and ends it.
            refused = r"in use by process \d+, which is this one|closed the connection|broke: "
            with pytest.raises(LinkError, match=refused):
                knock(port)
    assert result_of(reports[0]) == expected
    assert reports[0]["board"]["lost_ports"] == 0
