"""Typed operations on a board in software, and the page that shows them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from software_runs import BreakingLine, is_armed

from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.emulator.engines.program.controller import FastController
from twinbar.host.board.bias_record import BiasRecord
from twinbar.host.board.board import Board
from twinbar.host.board.serving import serving
from twinbar.host.board.software_board import BeatRunner, SoftwareBoard, SoftwareLine
from twinbar.host.transport.endpoint import TcpEndpoint
from twinbar.host.transport.registers import read_registers, write_registers
from twinbar.hw.errors import ConfigError, LinkError
from twinbar.hw.link.config import LinkConfig
from twinbar.hw.protocol.vocabulary import Opcode, Record

LINK = LinkConfig(clock_hz=100_000_000, baud=2_000_000)
PAGE = Path(__file__).parents[2] / "docs" / "board-operations.md"


@pytest.fixture
def config(make_crossbar: Any) -> CrossbarConfig:
    found: CrossbarConfig = make_crossbar(levels=5)
    return found


@pytest.fixture
def software(config: CrossbarConfig) -> SoftwareBoard:
    return SoftwareBoard(config, config.geometry.controller(2), LINK)


@pytest.fixture
def board(config: CrossbarConfig, software: SoftwareBoard) -> Iterator[Board]:
    with Board(SoftwareLine(software), config=config) as opened:
        yield opened


def test_levels_are_written_and_read_back(board: Board, software: SoftwareBoard, config: CrossbarConfig) -> None:
    board.configure()
    rows, columns = np.mgrid[0:8, 0:8]
    levels = (rows + columns) % 5
    told: list[tuple[int, int]] = []
    written = board.write_levels(rows, columns, levels, tile=1, progress=lambda *told_now: told.append(told_now))
    assert told == [(64, 64)]
    assert written.ok.shape == (8, 8)
    assert written.ok.mean() > 0.5
    low, high = config.levels.low[levels], config.levels.high[levels]
    inside = (written.codes >= low) & (written.codes <= high)
    assert (inside == written.ok).all()
    assert (written.sets + written.resets).sum() == software.controller.cells()["pulses"][1].sum()
    assert not software.controller.cells()["pulses"][0].any()


def test_without_noise_a_read_gives_what_was_written(make_crossbar: Any) -> None:
    config = make_crossbar("ideal", levels=5, adc_noise_codes=0.0)
    software = SoftwareBoard(config, config.geometry.controller(1), LINK)
    rows, columns = np.mgrid[0:8, 0:8]
    with Board(SoftwareLine(software), config=config) as board:
        board.configure()
        written = board.write_levels(rows, columns, (rows + columns) % 5)
        assert written.ok.all()
        codes = board.read(rows, columns)
        assert codes.tolist() == written.codes.tolist()
        assert int(board.read(3, 5)) == codes[3, 5]
        # Half a code of rounding.
        code_s = (config.cells.g_max_s - config.cells.g_min_s) / (config.levels.centre[-1] - config.levels.centre[0])
        true = software.controller.cells()["g"].reshape(8, 8) / (1 << 24) * config.cells.g_max_s
        assert np.abs(board.conductances_s(codes) - true).max() < 0.6 * code_s


def test_pulses_are_those_that_were_asked_for(board: Board, software: SoftwareBoard) -> None:
    board.configure()
    assert board.pulse([1, 2], 3, "set", count=[4, 5]).tolist() == [4, 5]
    assert int(board.pulse(1, 3, "reset")) == 1
    pulses = software.controller.cells()["pulses"][0].reshape(8, 8)
    assert pulses[1, 3] == 5
    assert pulses[2, 3] == 5
    assert pulses.sum() == 10
    actions = board.counters()["actions"]
    assert (actions["pulse_set"], actions["pulse_reset"]) == (9, 1)
    assert board.counters(1)["actions"]["pulse_set"] == 0


def test_forming_takes_the_record_and_the_window(board: Board, software: SoftwareBoard, config: CrossbarConfig) -> None:
    volts = config.cells.volts_to_code
    start = config.registers.set_amplitude.start
    bias = BiasRecord(
        bit_line=Ramp(start, 10, volts(1.9)), word_line=Ramp(volts(1.9), 0, volts(1.9)), width_cycles=7, compliance=99
    )
    board.configure()
    board.set_record("form", bias)
    with pytest.raises(LinkError, match=r"answered FORM with DISARMED; arm it first"):
        board.form(0, 0, 2)
    board.arm()
    formed = board.form([0, 1], [0, 1], level=2)
    assert formed.ok.all()
    assert (formed.codes >= config.levels.low[2]).all()
    assert formed.resets.sum() == 0
    assert formed.sets.sum() == software.controller.cells()["pulses"].sum() > 0
    assert read_registers(board.link, 0, ["FORM_WIDTH", "FORM_STEP"]) == [7 | 99 << 28, 10]
    board.set_levels([0, 9], [5, 255])
    board.arm()
    assert board.form(2, 2, level=1).ok.shape == ()
    with pytest.raises(LinkError, match="FORM with BAD_LEVEL"):
        board.form(2, 2, level=2)


@pytest.mark.parametrize("codes", [True, False])
@pytest.mark.parametrize("subtract", [True, False])
def test_products_are_those_of_the_fast_engine(
    board: Board, config: CrossbarConfig, codes: bool, subtract: bool
) -> None:
    written: list[Any] = []
    run = board.link.run

    def note(commands: Any) -> Any:
        written.append(commands)
        return run(commands)

    board.link.run = note  # type: ignore[method-assign]
    board.configure()
    board.write_levels(np.arange(8), np.arange(8), 4)
    inputs = np.random.default_rng(0).integers(0, 16, (300, 6))
    told: list[tuple[int, int]] = []
    sums = board.multiply(
        inputs, 3, codes=codes, subtract=subtract, full_scale=20.0, progress=lambda *now: told.append(now)
    )
    assert sums.shape == (300, 3)
    assert told[-1] == (300, 300)
    assert len(told) > 2
    fast = FastController(config, config.geometry.controller(2))
    beats = np.concatenate(written)
    responses = fast.run(Program(beats)).responses
    products = responses[responses[:, 0] & 31 == Opcode.MULTIPLY.value]
    value = products[:, 5:].astype(np.int64) @ (1 << 8 * np.arange(5)) >> 4
    assert sums.ravel().tolist() == (value - (value >> 35 << 36)).tolist()
    assert sums.any()
    assert board.multiply(inputs[0], 3, codes=codes, subtract=subtract).shape == (3,)


def test_a_sweep_drives_the_read_line_and_puts_it_back(board: Board, config: CrossbarConfig) -> None:
    driven: list[int] = []
    run = board.link.run

    def note(commands: Any) -> Any:
        if commands[0] & 31 == Opcode.CONVERT.value:
            board.link.run = run  # type: ignore[method-assign]
            driven.append(read_registers(board.link, 0, ["READ_CODES"])[0])
            board.link.run = note  # type: ignore[method-assign]
        return run(commands)

    write_registers(board.link, 0, {"READ_CODES": 5 << 24 | 7, "READ_STOP": 6 << 24 | 9, "READ_HIGH": 6 << 24 | 900})
    board.configure()
    board.link.run = note  # type: ignore[method-assign]
    curve = board.iv_sweep(3, 4, [0, 10, 800], samples=5)
    assert driven == [5 << 24, 5 << 24 | 10, 5 << 24 | 800]
    assert curve.drive_codes.tolist() == [0, 10, 800]
    assert curve.codes.shape == curve.deviation.shape == (3,)
    assert read_registers(board.link, 0, ["READ_CODES", "READ_STOP"]) == [5 << 24 | 7, 6 << 24 | 9]
    volts = board.iv_sweep(3, 4, [0.01])
    assert volts.drive_codes.tolist() == [config.cells.volts_to_code(0.01)]
    with pytest.raises(LinkError, match=r"ARM with WINDOW; a bias record leaves its window"):
        board.iv_sweep(3, 4, [10, 901])
    assert read_registers(board.link, 0, ["READ_CODES", "READ_STOP"]) == [5 << 24 | 7, 6 << 24 | 9]
    with pytest.raises(LinkError, match="READ with DISARMED"):
        board.read(0, 0)
    with pytest.raises(ConfigError, match="a sweep needs points from code 0 to 4095"):
        board.iv_sweep(3, 4, [4096])


def test_leaving_makes_the_board_safe(software: SoftwareBoard, config: CrossbarConfig) -> None:
    with Board(SoftwareLine(software), config=config) as opened:
        opened.configure()
        opened.read(0, 0)
        assert is_armed(software)
    assert not is_armed(software)
    opened.close()
    with Board(SoftwareLine(software)) as again:
        with pytest.raises(LinkError, match="READ with DISARMED"):
            again.read(0, 0)
        assert again.safe() == 2
        assert again.faults(1) == set()
        assert (again.tiles, again.rows, again.columns) == (2, 8, 8)
        for needs in (
            again.configure,
            lambda: again.conductances_s(3),
            lambda: again.iv_sweep(0, 0, [0.1]),
            lambda: again.multiply([1], full_scale=2.0),
        ):
            with pytest.raises(ConfigError, match="needs the configuration of the array"):
                needs()


@pytest.mark.parametrize("reads", [1, 2])
@pytest.mark.parametrize("happens", [KeyboardInterrupt(), LinkError("the port failed"), MemoryError()], ids=repr)
def test_leaving_in_the_middle_of_a_write_makes_the_board_safe(
    happens: BaseException, reads: int, software: SoftwareBoard, config: CrossbarConfig
) -> None:
    line = BreakingLine(software)
    line.happens = happens

    def write() -> None:
        with Board(line, config=config) as board:
            board.configure()
            assert is_armed(software)
            line.reads_before = reads
            board.write_levels(np.arange(300) % 8, 3, np.arange(300) % 5)

    with pytest.raises(type(happens)) as caught:
        write()
    assert caught.value is happens
    assert not hasattr(happens, "__notes__")
    assert not is_armed(software)


@pytest.mark.parametrize("happens", [KeyboardInterrupt(), None], ids=repr)
def test_a_board_that_cannot_be_made_safe_is_reported(
    happens: BaseException | None, software: SoftwareBoard, config: CrossbarConfig
) -> None:
    line = BreakingLine(software)
    unsafe = "the board may still be armed, so switch the supply of its array off: the port is gone"

    def lose() -> None:
        with Board(line, config=config) as board:
            board.configure()
            line.happens, line.for_good, line.reads_before = LinkError("the port is gone"), True, 1
            if happens:
                raise happens

    with pytest.raises(KeyboardInterrupt if happens else LinkError) as caught:
        lose()
    if happens:
        assert caught.value is happens
        assert happens.__notes__ == [unsafe]
    else:
        assert str(caught.value) == unsafe


def test_a_board_that_has_forgotten_its_session_is_made_safe(software: SoftwareBoard, config: CrossbarConfig) -> None:
    with Board(SoftwareLine(software), config=config) as board:
        board.configure()
        software.power_up()
    assert not is_armed(software)


@pytest.mark.parametrize("hears", [False, True])
def test_leaving_a_board_that_does_not_answer_takes_seconds(
    hears: bool, software: SoftwareBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = SoftwareLine(software)
    with Board(line) as board:
        if hears:
            monkeypatch.setattr(BeatRunner, "step", lambda self, now: [])
        else:
            monkeypatch.setattr(software, "receive", lambda data: None)
        before = line.clock()
        reason = "has been at work for 2 s" if hears else "no board answers"
        with pytest.raises(LinkError, match=f"may still be armed, .* {reason}"):
            board.close()
        # Not the minutes that an operation may take.
        assert line.clock() - before < 6.0


def test_wrong_arguments_are_one_sentence(board: Board) -> None:
    board.configure()
    with pytest.raises(LinkError, match="READ with BAD_ADDRESS; its rows and columns are"):
        board.read(8, 0)
    with pytest.raises(ConfigError, match=r"PULSE\.count holds a value that does not fit"):
        board.pulse(0, 0, "set", 999)
    with pytest.raises(ConfigError, match=r"must be whole numbers from 0 to 15, at most 8 in a vector"):
        board.multiply(np.full(8, 16))
    with pytest.raises(ConfigError, match="5 outputs are asked for; a tile has 1 to 4"):
        board.multiply(np.full(8, 1), 5)
    with pytest.raises(ConfigError, match="a pulse of 0 cycles cannot be given"):
        BiasRecord(width_cycles=0)
    assert board.read([], []).shape == (0,)


def test_another_board_is_refused(software: SoftwareBoard, make_crossbar: Any) -> None:
    with pytest.raises(ConfigError, match=r"--set array\.rows=8"):
        Board(SoftwareLine(software), config=make_crossbar(rows=9))


def test_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code.partition("with Board")[0], names)
    config = names["config"]
    with serving(SoftwareBoard(config, config.geometry.controller(1)), TcpEndpoint(0)) as port:
        exec(code.replace("/dev/ttyUSB1", port), names)
    assert names["written"].ok.mean() > 0.9
    assert names["formed"].ok.all()
    assert names["sums"].shape == (2, 8)
    assert len(names["staircase"]) == 10
    assert names["curve"].codes.shape == (7,)
    assert "256 of 256" in capsys.readouterr().out


def test_the_page_names_every_operation() -> None:
    text = PAGE.read_text()
    for name in ("read", "write_levels", "pulse", "multiply", "form", "iv_sweep", "counters", "safe"):
        assert f"| `{name}(" in text or f"`{name}(" in text
    assert Record.FORM.name.lower() in text
