"""A recorded session runs again without a board, to the byte."""

from pathlib import Path

import numpy as np
import pytest
from beats import AnsweringController, any_beats
from recorded_session import SESSION, core, crossbar, programs
from simulated_line import SimulatedLine, faults

from twinbar.emulator.contract.program import Program
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.transport.controller_state import read_counters, read_faults, read_registers, write_registers
from twinbar.host.transport.link import Link
from twinbar.host.transport.open_line import open_line
from twinbar.host.transport.recording import RecordingLine, ReplayLine, free_path
from twinbar.hw.actions import Action
from twinbar.hw.errors import ConfigError, LinkError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link.board_model import BoardModel
from twinbar.hw.link.link_config import LinkConfig

CONFIG = ControllerConfig(tiles=2, rows=16, columns=8)


def test_a_recording_plays_back_and_notices_another_program(tmp_path: Path) -> None:
    controller = AnsweringController(CONFIG, pace=20)
    line = SimulatedLine(BoardModel(CONFIG, LinkConfig(), controller), to_host=faults(3, flip=0.3))
    beats = any_beats(np.random.default_rng(0), 600, CONFIG)
    with Link(RecordingLine(line, tmp_path / "session.jsonl")) as link:
        found = [link.run(beats), link.run(beats[:9])]
    assert link.statistics.damaged

    replay = ReplayLine(tmp_path / "session.jsonl")
    again = Link(replay, first_session=replay.first_session)
    np.testing.assert_array_equal(again.run(beats), found[0])
    np.testing.assert_array_equal(again.run(beats[:9]), found[1])
    assert replay.finished
    assert again.statistics == link.statistics

    replay = ReplayLine(tmp_path / "session.jsonl")
    with pytest.raises(LinkError, match="other bytes than in the recording session"):
        Link(replay, first_session=replay.first_session).run(beats[::-1])
    (tmp_path / "session.jsonl").write_text("{}")
    with pytest.raises(ConfigError, match="is not a recording of a line"):
        ReplayLine(tmp_path / "session.jsonl")


def test_a_stored_session_with_a_netlist_is_that_of_the_fast_engine() -> None:
    """The programs as they are made today, to the byte, and responses that the netlist of a board once gave."""
    config = core()
    array = crossbar(config)
    fast = FastController(array, config.controller)
    line = open_line(f"replay:{SESSION}", 2_000_000)
    assert isinstance(line, ReplayLine)
    link = Link(line, config.controller.hash)
    for commands in programs(array):
        np.testing.assert_array_equal(link.run(commands), fast.run(Program(commands)).responses)
    assert line.finished


def test_files_that_cannot_be_recorded_or_played(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"the recording .*none.jsonl cannot be read \(No such file or directory\); give"
    ):
        open_line(f"replay:{tmp_path / 'none.jsonl'}", 2_000_000)
    line = SimulatedLine(BoardModel(CONFIG, LinkConfig(), AnsweringController(CONFIG)))
    with pytest.raises(ConfigError, match=r"cannot be written \(No such file or directory\); choose another file"):
        RecordingLine(line, tmp_path / "none" / "session.jsonl")
    (tmp_path / "session.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not a recording of a line"):
        ReplayLine(tmp_path / "session.jsonl")


def test_recordings_that_are_there_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "line.jsonl"
    assert free_path(path) == path
    path.touch()
    (tmp_path / "line-2.jsonl").touch()
    assert free_path(path) == tmp_path / "line-3.jsonl"


def test_registers_over_the_link() -> None:
    controller = AnsweringController(CONFIG)
    controller.answers = lambda beat, tile: [(beat & 0x1FFF) | (beat >> 16 & 0xFFF) << 24 | 0x123456789 << 44 | 4 << 17]
    link = Link(SimulatedLine(BoardModel(CONFIG, LinkConfig(), controller)))
    assert read_registers(link, 1, ["IDENTITY", 0x80]) == [0x123456789] * 2
    assert read_faults(link, 1) == {"stop"}
    controller.answers = lambda beat, tile: [
        (beat & 0x1FFF) | (beat >> 16 & 0xFFFFF) << 24 | (beat >> 16 & 0xFFF) << 44
    ]
    phases, actions = read_counters(link, 0)
    assert (phases["idle"], phases["respond"]) == (0x80, 0x88)
    assert (actions[Action.WRITE_OK], actions[Action.RESPONSE_BEAT]) == (0x90 + Action.WRITE_OK, 0x88)
    controller.answers = lambda beat, tile: [(beat & 0x1FFF) | (beat >> 16 & 0xFFFFF) << 24 | 5 << 13]
    with pytest.raises(LinkError, match=r"register 0x14: the controller refused \(locked\)"):
        write_registers(link, 0, {"CONVERT": 12})
    with pytest.raises(ConfigError, match="no register 'SPEED'"):
        write_registers(link, 0, {"SPEED": 12})


UNREACHABLE = {
    "/dev/no-such-port": "cannot be opened at 3000000 baud: there is no such device; plug in the board, or give",
    "/dev": "it is a folder; give the name of a serial port",
    "/dev/null": "it is no serial port; give the name of one",
    "socket://127.0.0.1:1": "no virtual board listens at socket://127.0.0.1:1: nothing takes the connection; start",
    "socket://127.0.0.1:99999": "a port is a number from 1 to 65535",
    "socket://no.such.host.invalid:5000": "the name of the host is not known; correct it",
    "rfc2217://127.0.0.1:1": "no server of serial ports takes the connection; start it, or correct the port",
    "rfc2217://no.such.host.invalid:5000": "the name of the host is not known; correct it",
}


def test_ports_that_cannot_be_opened_are_named() -> None:
    for port, sentence in UNREACHABLE.items():
        with pytest.raises(LinkError) as caught:
            open_line(port, 3_000_000)
        assert sentence in str(caught.value)
        assert "Errno" not in str(caught.value)
    with pytest.raises(LinkError, match="write socket:"):
        open_line("socket://nowhere", 3_000_000)
