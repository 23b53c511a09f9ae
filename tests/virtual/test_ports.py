"""Hosts at the port of a virtual board: through a pseudo-terminal and TCP, one after the other, and killed ones."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from virtual_samples import core, crossbar, products, same_cells, writes

from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.cli import main
from twinbar.host.transport.background import repeating
from twinbar.host.transport.endpoint import Endpoint, PtyEndpoint, TcpEndpoint
from twinbar.host.transport.link import Link
from twinbar.host.transport.open_line import open_line
from twinbar.host.virtual.server import Server
from twinbar.hw.errors import ConfigError, LinkError

pytestmark = pytest.mark.compiler


@pytest.mark.parametrize("kind", ["pty", "tcp"])
def test_hosts_come_and_go(kind: str, tmp_path: Path) -> None:
    config = core()
    array = crossbar(config)
    board, fast = CompiledBoard(config, array), FastController(array, config.controller)
    rng = np.random.default_rng(6)
    endpoint: Endpoint = PtyEndpoint(tmp_path / "board") if kind == "pty" else TcpEndpoint(0)
    server = Server(board, endpoint)
    with closing(endpoint), repeating(server.step):
        for programs in (
            [beats.configure(array, 1), writes(rng, 15)],
            [beats.arm(1), writes(rng, 10), products(rng, 2)],
        ):
            with Link(open_line(endpoint.name, config.link.baud), config.controller.hash) as link:
                for commands in programs:
                    assert np.array_equal(link.run(commands), fast.run(Program(commands)).responses)
            # One that is killed in the middle of a frame.
            line = open_line(endpoint.name, config.link.baud)
            line.write(b"\x17\x03cut off")
            line.close()
            time.sleep(0.1)
    same_cells(board, fast)
    account = server.account
    assert account.bytes_in > 100
    assert account.bytes_out > 100
    assert account.real_time_factor is not None
    assert 0 < account.busy_cycles <= account.cycles
    assert kind == "tcp" or not (tmp_path / "board").is_symlink()


def test_a_second_host_is_turned_away_while_the_first_one_stays() -> None:
    config = core()
    endpoint = TcpEndpoint(0)
    server = Server(CompiledBoard(config, crossbar(config)), endpoint)
    with (
        closing(endpoint),
        repeating(server.step),
        Link(open_line(endpoint.name, 2_000_000)) as first,
    ):
        with pytest.raises(LinkError, match="another host is connected to it"):
            Link(open_line(endpoint.name, config.link.baud))
        assert len(first.run(beats.look_at(0))) == 1


def test_one_who_comes_when_another_goes_is_let_in() -> None:
    """Both are waiting when the board looks: the end of the first, and the second."""
    endpoint = TcpEndpoint(0)
    address = urlsplit(endpoint.name)
    place = str(address.hostname), int(address.port or 0)
    with closing(endpoint):
        first = socket.create_connection(place, timeout=30)
        endpoint.wait(5)
        endpoint.receive()
        assert endpoint.connected
        first.close()
        with socket.create_connection(place, timeout=30) as second:
            second.sendall(b"here")
            # What the kernel has for the board is seen within moments.
            for _ in range(100):
                if data := endpoint.receive():
                    break
                endpoint.wait(0.1)
            assert data == b"here"


class Flood:
    """A client that always has more to say."""

    name, connected = "flood", True

    def __init__(self) -> None:
        self.taken = 0

    def receive(self) -> bytes:
        self.taken += 4096
        return b"\x55" * 4096

    def send(self, data: bytes) -> int:
        return len(data)

    def wait(self, seconds: float) -> None:
        pass

    def close(self) -> None:
        pass


def test_a_flood_stays_with_its_sender() -> None:
    """The board takes what its line carries, and 64 KiB more, whoever sends and however much."""
    config = core()
    board, flood = CompiledBoard(config, crossbar(config)), Flood()
    server = Server(board, flood)
    for _ in range(200):
        server.step()
    carried = board.cycle // (10 * config.link.divisor)
    assert carried < flood.taken <= carried + (1 << 16) + 2 * 4096


def test_a_host_that_does_not_read_loses_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    config = core()
    board = CompiledBoard(config, crossbar(config))
    endpoint = TcpEndpoint(0)
    server = Server(board, endpoint)
    address = urlsplit(endpoint.name)
    to_come = 1 << 17
    with (
        closing(endpoint),
        socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=30) as host,
    ):
        # The kernel takes some of what the board sends; then the board stands still.
        taken = 0
        endpoint.receive()
        while count := endpoint.send(b"y" * 65536):
            taken += count
        assert taken > 0
        monkeypatch.setattr(board, "receive", lambda: b"x" * to_come)
        server.step()
        monkeypatch.setattr(board, "receive", lambda: b"")
        before = board.cycle
        for _ in range(3):
            server.step()
        assert board.cycle == before
        read = b""
        while len(read) < taken + to_come:
            server.step()
            read += host.recv(1 << 20)
        assert read == b"y" * taken + b"x" * to_come
        server.step()
        assert board.cycle > before


def test_the_board_rests_while_nobody_asks_anything() -> None:
    config = core()
    board = CompiledBoard(config, crossbar(config))
    endpoint = TcpEndpoint(0)
    with closing(endpoint), repeating(Server(board, endpoint).step):
        time.sleep(0.3)
        used, cycle, began = time.process_time(), board.cycle, time.monotonic()
        time.sleep(1.0)
        used, passed = time.process_time() - used, time.monotonic() - began
        cycles = board.cycle - cycle
    assert used < 0.5 * passed
    # Its time goes on with that on the wall.
    assert cycles / config.link.clock_hz == pytest.approx(passed, rel=0.3)


def test_a_port_that_is_taken_and_a_link_that_cannot_be_made(tmp_path: Path) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    with taken, pytest.raises(LinkError, match=r"cannot be had \(another program has it\); choose another one"):
        TcpEndpoint(taken.getsockname()[1])
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be made \(there is a file of this name\); choose a free name"):
        PtyEndpoint(tmp_path / "file")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_command_runs_until_it_is_interrupted(number: signal.Signals, tmp_path: Path) -> None:
    link = tmp_path / "board"
    arguments = ["board", "virtual", "icebreaker", "--rows", "8", "--columns", "8", "--link", str(link), "--json"]
    # Where tests run in the background of a shell, their processes begin with a Ctrl-C that is ignored; so it is with
    # nohup and SIGHUP.
    heeds = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    heeds += "; signal.signal(signal.SIGHUP, signal.SIG_DFL)"
    program = f"{heeds}; from twinbar.host.cli import main; main({arguments})"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout is not None
        begun = json.loads(process.stdout.readline())
        assert (begun["port"], begun["level"]) == (str(link), "bit level")
        with Link(open_line(str(link), 2_000_000), int(begun["configuration"], 16)) as session:
            assert session.hello.rows == 8
        process.send_signal(number)
        ended = json.loads(process.stdout.readline())
        assert process.wait(10) == 0
    assert ended["bytes_in"] > 0
    assert ended["complaints"] == 0
    assert not link.is_symlink()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tcp", "0", "--link", "board"], "--link names a pseudo-terminal and --tcp asks for a TCP port"),
        (["--array", "emulated", "--wiring", "icebreaker"], "an emulated array has no wires"),
        (["--device", "taox-hfox"], "pulse.set_width 50 ns is 0.6 cycles of the 12 MHz clock"),
        (["--baud", "0"], "--baud is 0; it must be positive"),
        (["--linger", "0"], "link.linger_s is 0.0; it must be positive"),
        (["--link-buffer", "1000"], "--link-buffer is 1000; it must be a power of two from 512 to 65536"),
        (["--set", "levels"], "--set levels cannot be read; write it as --set section.key=value"),
    ],
)
def test_what_cannot_be_is_said_in_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["board", "virtual", "icebreaker", *arguments])
    assert ended.value.code == 2
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_pins_that_a_board_cannot_have_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped = (resources.files("twinbar.boards.wirings") / "icebreaker.toml").read_text()
    mine = tmp_path / "mine.toml"
    mine.write_text(shipped.replace('read_enable = "pmod_2:9"', 'read_enable = "pmod_2:8"'))
    with pytest.raises(SystemExit) as ended:
        main(["board", "virtual", "icebreaker", "--wiring", str(mine), "--seconds", "0"])
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "pmod_2:8 is given twice, for write_gate and for read_enable; change one of them" in said


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--tcp", "99999999"], "TCP port 99999999 cannot be had (ports are numbers from 0 to 65535)"),
        (
            ["--link", "/no-such-folder/board"],
            "the link /no-such-folder/board cannot be made (there is no such folder)",
        ),
    ],
)
def test_a_port_that_cannot_be_is_refused_before_the_core_is_compiled(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile_nothing(*_: object, **__: object) -> None:
        raise AssertionError("the core was compiled")

    monkeypatch.setattr("twinbar.emulator.virtual.compiled_board.CompiledBoard", compile_nothing)
    with pytest.raises(SystemExit) as ended:
        main(["board", "virtual", "icebreaker", "--rows", "8", "--columns", "8", *arguments])
    assert ended.value.code in (2, 4)
    assert sentence in " ".join(capsys.readouterr().err.split())
