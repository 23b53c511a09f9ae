"""Typed operations on a board in software, and the page that shows them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from software_runs import BreakingLine, is_armed, make_board

from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.host.board.board import Board
from twinbar.host.board.serving import serving
from twinbar.host.board.software_board import BeatRunner, SoftwareBoard, SoftwareLine
from twinbar.host.cells.bias_record import BiasRecord
from twinbar.host.cells.verbs import Cells
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.resolved_crossbar import build_crossbar
from twinbar.host.transport.controller_state import read_registers, write_registers
from twinbar.host.transport.endpoint import TcpEndpoint
from twinbar.hw.errors import ConfigError, LinkError, RefusedError
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.vocabulary import Opcode

LINK = LinkConfig(clock_hz=100_000_000, baud=2_000_000)
PAGE = Path(__file__).parents[2] / "docs" / "cells.md"


@pytest.fixture
def config(make_crossbar: Any) -> CrossbarConfig:
    found: CrossbarConfig = make_crossbar(levels=5)
    return found


@pytest.fixture
def software(config: CrossbarConfig) -> SoftwareBoard:
    return SoftwareBoard(config, config.array.controller(2), LINK)


@pytest.fixture
def board(config: CrossbarConfig, software: SoftwareBoard) -> Iterator[Board]:
    with Board(SoftwareLine(software), config=config) as opened:
        yield opened


def test_levels_are_written_and_read_back(board: Board, software: SoftwareBoard, config: CrossbarConfig) -> None:
    board.arm()
    rows, columns = np.mgrid[0:8, 0:8]
    levels = (rows + columns) % 5
    told: list[tuple[int, int]] = []
    written = board.write_levels(levels, rows, columns, tile=1, progress=lambda *told_now: told.append(told_now))
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
    software = SoftwareBoard(config, config.array.controller(1), LINK)
    rows, columns = np.mgrid[0:8, 0:8]
    with Board(SoftwareLine(software), config=config) as board:
        board.arm()
        written = board.write_levels((rows + columns) % 5)
        assert written.ok.all()
        codes = board.read()
        assert codes.tolist() == written.codes.tolist()
        assert int(board.read(3, 5)) == codes[3, 5]
        # Half a code of rounding.
        code_s = (config.cells.g_max_s - config.cells.g_min_s) / (config.levels.centre[-1] - config.levels.centre[0])
        true = software.controller.cells()["g"].reshape(8, 8) / (1 << 24) * config.cells.g_max_s
        assert np.abs(board.read_conductance() - true).max() < 0.6 * code_s


def test_pulses_are_those_that_were_asked_for(board: Board, software: SoftwareBoard) -> None:
    board.arm()
    assert board.pulse("set", [1, 2], 3, count=[4, 5]).tolist() == [4, 5]
    assert int(board.pulse("reset", 1, 3)) == 1
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
    board.arm()
    board.set_record("form", bias)
    with pytest.raises(RefusedError, match=r"answered FORM with DISARMED; arm it first"):
        board.form(2, 0, 0)
    board.arm()
    formed = board.form(2, [0, 1], [0, 1])
    assert formed.ok.all()
    assert (formed.codes >= config.levels.low[2]).all()
    assert formed.resets.sum() == 0
    assert formed.sets.sum() == software.controller.cells()["pulses"].sum() > 0
    assert read_registers(board.link, 0, ["FORM_WIDTH", "FORM_STEP"]) == [7 | 99 << 28, 10]
    board.set_levels([0, 9], [5, 255])
    board.arm()
    assert board.form(1, 2, 2).ok.shape == ()
    with pytest.raises(ConfigError, match="level 2 is outside the table; tile 0 has levels 0 to 1"):
        board.form(2, 2, 2)


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
    board.arm()
    board.write_levels(4, np.arange(8), np.arange(8))
    inputs = np.random.default_rng(0).integers(0, 16, (300, 6))
    told: list[tuple[int, int]] = []
    full_scale_s = 20.0 * config.cells.g_max_s
    sums = board.multiply(
        inputs, 3, codes=codes, subtract=subtract, full_scale_s=full_scale_s, progress=lambda *now: told.append(now)
    )
    assert sums.shape == (300, 3)
    assert told[-1] == (300, 300)
    assert len(told) > 2
    fast = FastController(config, config.array.controller(2))
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
        if (commands & np.uint64(31) == Opcode.CONVERT.value).any():
            driven.append(read_registers(_Runner(run), 0, ["READ_CODES"])[0])
        return run(commands)

    board.disarm()
    write_registers(board.link, 0, {"READ_CODES": 5 << 24 | 7, "READ_STOP": 6 << 24 | 9, "READ_HIGH": 6 << 24 | 900})
    board.arm("read")
    board.link.run = note  # type: ignore[method-assign]
    curve = board.iv_sweep([0, 10, 800], 3, 4, samples=5)
    assert driven == [5 << 24, 5 << 24 | 10, 5 << 24 | 800]
    assert curve.drive_codes.tolist() == [0, 10, 800]
    assert curve.codes.shape == curve.deviation.shape == (3,)
    assert read_registers(board.link, 0, ["READ_CODES", "READ_STOP"]) == [5 << 24 | 7, 6 << 24 | 9]
    # The tile is armed as before.
    board.read(0, 0)
    with pytest.raises(RefusedError, match="PULSE with DISARMED"):
        board.pulse("set", 0, 0)
    volts = board.iv_sweep([0.01], [[3], [4]], [0, 1])
    assert volts.drive_codes.tolist() == [config.cells.volts_to_code(0.01)]
    assert volts.codes.shape == (2, 2, 1)
    with pytest.raises(RefusedError, match=r"ARM with WINDOW; a bias record leaves its window"):
        board.iv_sweep([10, 901], 3, 4)
    assert read_registers(board.link, 0, ["READ_CODES", "READ_STOP"]) == [5 << 24 | 7, 6 << 24 | 9]
    with pytest.raises(RefusedError, match="READ with DISARMED"):
        board.read(0, 0)
    with pytest.raises(RefusedError, match="tile 0 is not armed for this"):
        board.iv_sweep([10], 3, 4)
    with pytest.raises(ConfigError, match="a sweep needs points from code 0 to 4095"):
        board.iv_sweep([4096], 3, 4)


class _Runner:
    """Runs command beats by a function."""

    def __init__(self, run: Callable[[Any], Any]) -> None:
        self.run = run


def test_leaving_makes_the_board_safe(software: SoftwareBoard, config: CrossbarConfig) -> None:
    with Board(SoftwareLine(software), config=config) as opened:
        opened.arm()
        opened.read(0, 0)
        assert is_armed(software)
    assert not is_armed(software)
    opened.close()
    with Board(SoftwareLine(software)) as again:
        with pytest.raises(RefusedError, match="READ with DISARMED"):
            again.read(0, 0)
        assert again.safe() == 2
        assert again.faults(1) == set()
        assert (again.tiles, again.rows, again.columns) == (2, 8, 8)
        for needs in (
            again.configure,
            again.calibrate,
            lambda: again.read_conductance(3, 3),
            lambda: again.write_conductance(1e-6, 3, 3),
            lambda: again.iv_sweep([0.1], 0, 0),
            lambda: again.multiply([1], full_scale_s=2.0),
        ):
            with pytest.raises(ConfigError, match="does not know its cells; give Board their preset as `device`"):
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
            board.arm()
            assert is_armed(software)
            line.reads_before = reads
            board.write_levels(np.arange(300) % 5, np.arange(300) % 8, 3)

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
            board.arm()
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
        board.arm()
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


def test_a_board_whose_cells_nobody_describes_is_used_by_codes(software: SoftwareBoard, config: CrossbarConfig) -> None:
    with Board(SoftwareLine(software), config=config) as described:
        described.arm()
        described.write_levels(np.arange(8) % 5, np.arange(8), 0)
        expected = described.read(tile=[0, 1])
    # The registers stay as they were; the geometry is the board's.
    with Board(SoftwareLine(software)) as bare:
        assert bare.config is None
        bare.arm("read")
        assert bare.counters()["actions"]["convert_verify"] == 0
        assert np.abs(bare.read(tile=[0, 1]) - expected).max() < 20
        assert bare.counters()["actions"]["convert_verify"] == 64
        assert bare.counters()["cycles"]["convert"] == 64 * config.timing.convert
        bare.set_levels([0, 100], [20, 255], tile=1)
        assert not bare.faults(1)
        with pytest.raises(ConfigError, match="level 2 is outside the table; tile 1 has levels 0 to 1"):
            bare.write_levels(2, 0, 0, tile=1)
        bare.arm()
        assert int(bare.pulse("set", 0, 0, 3)) == 3
        cost = bare.cost
        assert (cost["pulses"]["set"], cost["verify_reads"]) == (3, 128)
        assert cost["seconds"]["write"] == pytest.approx(cost["cycles"]["write"] / 100e6)
        assert cost["cycles"]["write"] > 64 * config.timing.convert
        assert not [name for name in cost if "energy" in name]
        assert bare.multiply(np.full((2, 8), 3)).shape == (2, 4)
        assert bare.iv_sweep([0], 0, 0).current_a is None


VERBS: dict[str, Callable[[Board], Any]] = {
    "read": lambda board: board.read(),
    "write_levels": lambda board: board.write_levels(1),
    "write_conductance": lambda board: board.write_conductance(board.scale.g_max_s),
    "pulse": lambda board: board.pulse("set", 0, 0),
    "multiply": lambda board: board.multiply([1, 2]),
    "iv_sweep": lambda board: board.iv_sweep([0], 0, 0),
    "faults": lambda board: board.faults(),
    "safe": lambda board: board.safe(),
}


@pytest.mark.parametrize("verb", VERBS)
def test_an_unplugged_board_is_one_sentence(verb: str, software: SoftwareBoard, config: CrossbarConfig) -> None:
    line = BreakingLine(software)
    line.happens, line.for_good = LinkError("the port failed while receiving; is the board still plugged in?"), True
    board = Board(line, config=config)
    board.arm()
    line.reads_before = 1
    with pytest.raises(LinkError, match="is the board still plugged in"):
        VERBS[verb](board)
    with pytest.raises(LinkError, match=r"the session .* was broken off; connect again"):
        board.read(0, 0)
    with pytest.raises(LinkError, match="may still be armed, so switch the supply of its array off"):
        board.close()


def test_a_board_says_itself_what_it_is() -> None:
    with Board(SoftwareLine(make_board()), "taox-hfox", levels=8, settings={"write.pulse_limit": 30}) as board:
        config = board.config
        assert config is not None
        array = config.array
        assert (array.rows, array.columns, array.adc_channels, config.clock_hz) == (32, 32, 1, 100e6)
        assert (len(config.levels), config.registers.limit) == (8, 30)
        board.arm()
        written = board.write_conductance(board.scale.g_min_s, 3, [4, 5])
        assert np.abs(written.error_s[written.ok]).max(initial=0.0) <= board.scale.tolerance_s
        assert board.cost["energy_breakdown_j"]["cell_verify"] > 0


def test_wrong_arguments_are_one_sentence(board: Board) -> None:
    board.arm()
    with pytest.raises(ConfigError, match="row 8 is outside the array; its rows are 0 to 7"):
        board.read(8, 0)
    with pytest.raises(ConfigError, match=r"PULSE\.count holds a value that does not fit"):
        board.pulse("set", 0, 0, 999)
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


def page_codes() -> list[str]:
    codes: list[str] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return codes


def test_the_page_runs_on_a_chip(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(page_codes()[0], names)
    assert names["written"].ok.mean() > 0.9
    assert np.shape(names["staircase"]) == (10, 2)
    assert names["sums"].shape == (2, 8)
    assert "within 0.1 µS" in capsys.readouterr().out


def test_the_page_runs_on_a_board(capsys: pytest.CaptureFixture[str]) -> None:
    changes = {"device.preset": "epiram", "array.rows": 16, "array.columns": 16, "timing.clock_hz": 12e6}
    config = build_crossbar(ExperimentConfig().merge(changes))
    names: dict[str, Any] = {}
    with serving(SoftwareBoard(config, config.array.controller(1)), TcpEndpoint(0)) as port:
        exec(page_codes()[1].replace("/dev/ttyUSB1", port), names)
    assert names["formed"].ok.all()
    assert names["written"].ok.mean() > 0.9
    assert names["siemens"].shape == (16, 16)
    assert names["curve"].codes.shape == (7,)
    out = capsys.readouterr().out
    assert "256 of 256" in out
    assert f"{names['formed'].sets.sum() + names['written'].sets.sum()} SET pulses" in out


@pytest.mark.compiler
def test_the_page_runs_on_a_virtual_board() -> None:
    # In the size that other tests compile.
    code = page_codes()[2].replace('array="emulated"', 'array="emulated", rows=8, columns=8')
    exec(code, {})


def test_the_page_names_every_verb() -> None:
    text = PAGE.read_text()
    own = {"close", "cost", "warnings", "scale", "ramp", "pulse_cycles", "calibration"}
    verbs = {name for name in vars(Cells) if not name.startswith("_")} - own
    assert [name for name in sorted(verbs) if f"`{name}(" not in text] == []
    assert [name for name in sorted(own - {"close", "warnings"}) if name not in text] == []
