"""Training on a board gives what training on the engine `fast` gives, and a board that goes away costs nothing."""

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from software_runs import BOARD, is_armed, lines_to, make_board, result_of, run, use_lines

from twinbar.boards import wirings
from twinbar.host.board.board_controller import BoardController
from twinbar.host.board.serving import serving
from twinbar.host.board.software_board import SoftwareLine
from twinbar.host.experiment import saving
from twinbar.host.experiment import trainer as training
from twinbar.host.experiment.checkpoint import load_checkpoint
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.interruption import Interruption
from twinbar.host.transport.endpoint import PtyEndpoint, TcpEndpoint
from twinbar.host.transport.faulty_line import FaultRates, FaultyLine
from twinbar.host.transport.line import Line
from twinbar.host.transport.link import Link
from twinbar.host.transport.recording import ReplayLine
from twinbar.hw.errors import ConfigError, LinkError, TwinbarError


@pytest.fixture(scope="module")
def expected(compiled_kernels: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The result of the engine `fast`."""
    report, _ = run(tmp_path_factory.mktemp("fast") / "run", {})
    assert report["tiles"] == 1
    assert report["wear"]["total_pulses"] > 0
    return result_of(report)


@pytest.fixture
def often_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save a checkpoint after every step."""
    monkeypatch.setattr(saving, "CHECKPOINT_SECONDS", 0.0)


@pytest.mark.parametrize("endpoint", [PtyEndpoint, lambda: TcpEndpoint(0)], ids=["pty", "tcp"])
def test_a_board_at_a_port_trains_as_the_fast_engine(expected: dict[str, Any], tmp_path: Path, endpoint: Any) -> None:
    with serving(make_board(), endpoint()) as port:
        report, _ = run(tmp_path / "run", BOARD | {"engine.port": port, "engine.check": True})
    assert result_of(report) == expected
    assert report["board"]["responses"] > 1000
    assert report["board"]["differing_responses"] == 0


def test_the_cells_on_the_board_are_those_of_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = make_board()
    use_lines(monkeypatch, lines_to(board))
    run(tmp_path / "run", BOARD)
    with np.load(tmp_path / "run" / "arrays.npz") as arrays:
        assert arrays["pulses"].ravel().tolist() == board.controller.cells()["pulses"].ravel().tolist()


def test_a_run_that_was_recorded_runs_again_without_its_board(
    expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "line.jsonl"
    use_lines(monkeypatch, lambda: SoftwareLine(make_board()))
    once, _ = run(tmp_path / "once", BOARD | {"engine.record_line": str(file)})
    lines: list[ReplayLine] = []

    def play() -> Line:
        lines.append(ReplayLine(file))
        return lines[-1]

    use_lines(monkeypatch, play)
    again, _ = run(tmp_path / "again", BOARD | {"engine.record_line": None})
    assert result_of(once) == result_of(again) == expected
    assert [line.finished for line in lines] == [True]


def test_one_percent_of_damaged_frames_changes_nothing(
    expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty: list[FaultyLine] = []

    def make_line() -> Line:
        faulty.append(FaultyLine(SoftwareLine(make_board()), FaultRates.damaged(0.01), seed=4))
        return faulty[-1]

    use_lines(monkeypatch, make_line)
    report, _ = run(tmp_path / "run", BOARD | {"engine.check": True})
    assert result_of(report) == expected
    (line,) = faulty
    assert line.to_board.damaged + line.to_host.damaged > 5
    assert report["board"]["frames_sent_again"] > 0


def test_a_port_that_vanishes_again_and_again_costs_nothing(
    expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_lines(monkeypatch, lines_to(make_board(), (40,), (7,), (0,), (30,)))
    report, said = run(tmp_path / "run", BOARD | {"engine.check": True})
    assert result_of(report) == expected
    assert report["board"]["lost_ports"] == 4
    assert report["board"]["restorations"] == []
    assert sum("is back" in sentence for sentence in said) == 4


def test_a_board_without_supply_is_restored_from_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, often_saved: None
) -> None:
    board = make_board()
    lines = lines_to(board, (40,))

    def make_line() -> Line:
        if board.controller.cells()["pulses"].any():
            board.power_up()
        return lines()

    use_lines(monkeypatch, make_line)
    report, said = run(tmp_path / "run", BOARD | {"engine.check": True})
    (restored,) = report["board"]["restorations"]
    assert restored["cells"] == report["totals"]["cells"]
    assert 0 < restored["pulsed"] <= restored["cells"]
    assert any("has fallen silent" in sentence for sentence in said)
    assert any("is not as at the checkpoint" in sentence for sentence in said)
    # Its array started over, and so did the shadow: they are still the same.
    assert report["board"]["differing_responses"] == 0
    with np.load(tmp_path / "run" / "arrays.npz") as arrays:
        assert arrays["pulses"].ravel().tolist() == board.controller.cells()["pulses"].ravel().tolist()
    assert [epoch["epoch"] for epoch in report["epochs"]] == [1, 2]
    assert len((tmp_path / "run" / "steps.csv").read_text().splitlines()) == 1 + report["totals"]["steps"]


def test_a_board_that_somebody_else_has_used_is_brought_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, often_saved: None
) -> None:
    board = make_board()
    lines = lines_to(board, (40,))

    def make_line() -> Line:
        line = lines()
        if board.controller.cells()["pulses"].any():
            Link(line)
        return line

    use_lines(monkeypatch, make_line)
    report, _ = run(tmp_path / "run", BOARD)
    assert len(report["board"]["restorations"]) == 1
    assert report["board"]["differing_responses"] == 0
    assert report["totals"]["steps"] == 12


@pytest.mark.parametrize("check", [True, False])
def test_an_interrupted_run_goes_on_to_the_same_result(
    check: bool, expected: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = make_board()
    use_lines(monkeypatch, lines_to(board))
    step = training.Trainer.train_step
    made: list[Interruption] = []
    init = Interruption.__init__

    def note(self: Interruption) -> None:
        init(self)
        made.append(self)

    def interrupted(self: training.Trainer, batches: Any) -> Any:
        row = step(self, batches)
        made[-1].requested = row["step"] == 5
        return row

    monkeypatch.setattr(Interruption, "__init__", note)
    monkeypatch.setattr(training.Trainer, "train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", BOARD | {"engine.check": check})
    assert not is_armed(board)
    monkeypatch.setattr(training.Trainer, "train_step", step)
    conversions = board.controller.cells()["conversions"].tolist()
    begun: list[list[list[int]]] = []
    load = BoardController.load_cells

    def note_conversions(self: BoardController, state: dict[str, Any]) -> None:
        begun.append(board.controller.cells()["conversions"].tolist())
        load(self, state)

    monkeypatch.setattr(BoardController, "load_cells", note_conversions)
    report, _ = run(tmp_path / "run", {}, resume=True)
    # The converters have their calibration: to measure it once more would move their noise on.
    assert begun[0] == conversions
    assert report["board"]["differing_responses"] == 0
    if check:
        assert result_of(report) == expected
        assert report["board"]["restorations"] == []


def test_a_run_that_was_killed_between_checkpoints_is_restored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = make_board()
    use_lines(monkeypatch, lines_to(board))
    step = training.Trainer.train_step

    def killed(self: training.Trainer, batches: Any) -> Any:
        row = step(self, batches)
        if row["step"] == 10:
            raise MemoryError
        return row

    monkeypatch.setattr(training.Trainer, "train_step", killed)
    with pytest.raises(MemoryError):
        run(tmp_path / "run", BOARD)
    monkeypatch.setattr(training.Trainer, "train_step", step)
    report, said = run(tmp_path / "run", {}, resume=True)
    # The end of the first epoch was saved.
    assert [restored["step"] for restored in report["board"]["restorations"]] == [6]
    assert any("the run goes on from step 6" in sentence for sentence in said)
    assert report["totals"]["steps"] == 12
    with np.load(tmp_path / "run" / "arrays.npz") as arrays:
        targets, codes = arrays["target_level"][arrays["mapped"]], arrays["conductance_s"][arrays["mapped"]]
    # The cells hold the network: what they hold follows the levels that they should be at.
    assert np.corrcoef(targets, codes)[0, 1] > 0.95


def test_ctrl_c_ends_the_waiting_with_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make_line() -> Line:
        if lines:
            return lines.pop()
        made[-1].requested = True
        raise LinkError("the port cannot be opened")

    made: list[Interruption] = []
    init = Interruption.__init__
    monkeypatch.setattr(Interruption, "__init__", lambda self: (init(self), made.append(self))[0])
    lines: list[Line] = [SoftwareLine(make_board(), (40,))]
    use_lines(monkeypatch, make_line)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", BOARD)
    assert load_checkpoint(tmp_path / "run" / "checkpoint") is not None


def test_a_port_that_stays_away_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def make_line() -> Line:
        if lines:
            return lines.pop()
        raise LinkError("the port cannot be opened")

    lines: list[Line] = [SoftwareLine(make_board(), (40,))]
    use_lines(monkeypatch, make_line)
    with pytest.raises(LinkError, match=r"has not come back within 0.3 s \(the port cannot be opened\)"):
        run(tmp_path / "run", BOARD | {"engine.wait_s": 0.3})


def test_a_server_that_dies_and_comes_back(expected: dict[str, Any], tmp_path: Path) -> None:
    """The same over TCP: the board keeps its session while nobody serves it."""
    board = make_board()
    number = 0

    def serve() -> None:
        with serving(board, TcpEndpoint(number)):
            finished.wait()

    finished = threading.Event()
    with serving(board, TcpEndpoint(0)) as port:
        number = int(port.rpartition(":")[2])
        outcome: list[Any] = []
        trainer = threading.Thread(
            target=lambda: outcome.append(run(tmp_path / "run", BOARD | {"engine.port": port, "engine.check": True}))
        )
        trainer.start()
        while not board.controller.cells()["pulses"].any():
            time.sleep(0.005)
    # The server is gone.
    again = threading.Thread(target=serve)
    time.sleep(0.3)
    again.start()
    trainer.join()
    finished.set()
    again.join()
    ((report, _),) = outcome
    assert result_of(report) == expected
    assert report["board"]["lost_ports"] >= 1


def test_a_wrong_cell_is_noticed_or_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A board whose array is not the emulator's: an error with `check`, else a real array."""
    other = {"engine.seed": 1}
    use_lines(monkeypatch, lambda: SoftwareLine(make_board(other)))
    with pytest.raises(TwinbarError, match=r"the board answers .* tile 0 .*, and the emulated array .*engine\.check"):
        run(tmp_path / "checked", BOARD | {"engine.check": True})
    board = make_board(other)
    use_lines(monkeypatch, lambda: SoftwareLine(board))
    report, _ = run(tmp_path / "real", BOARD)
    assert 0 < report["board"]["differing_responses"] <= report["board"]["responses"]
    with np.load(tmp_path / "real" / "arrays.npz") as arrays:
        # Pulses are counted from the responses; conductances are what was read last.
        assert arrays["pulses"].ravel().tolist() == board.controller.cells()["pulses"].ravel().tolist()
        g = board.controller.cells()["g"].reshape(arrays["conductance_s"].shape)[arrays["mapped"]] / (1 << 24)
        read = arrays["conductance_s"][arrays["mapped"]]
        assert np.corrcoef(g, read)[0, 1] > 0.99


@pytest.mark.parametrize("seed", [0, 1])
def test_a_trace_of_a_board_has_what_it_answered(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the array is none that the emulator knows."""
    lines = []

    def make_line() -> Line:
        lines.append(SoftwareLine(make_board({"engine.seed": seed})))
        return lines[-1]

    use_lines(monkeypatch, make_line)
    report, _ = run(tmp_path / "run", BOARD | {"trace.record": True})
    table = pq.read_table(tmp_path / "run" / "commands.parquet").to_pydict()
    written = [sets for opcode, sets in zip(table["opcode"], table["sets"], strict=True) if opcode == "WRITE"]
    actions = report["totals"]["actions"], report["initialization"]["actions"]
    assert sum(written) == sum(part["pulse_set"] for part in actions)
    assert (report["board"]["differing_responses"] > 0) == (seed != 0)


def test_an_emulated_array_that_was_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = make_board()
    use_lines(monkeypatch, lambda: SoftwareLine(board))
    run(tmp_path / "one", BOARD | {"engine.check": True})
    with pytest.raises(TwinbarError, match="is not as after power-up"):
        run(tmp_path / "two", BOARD | {"engine.check": True})


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"array.rows": 48}, r"the board has 1 tile of 32 x 32 .* give the run --set array\.rows=32$"),
        ({"timing.clock_hz": 50e6, "device.preset": "ideal"}, r"at 100 MHz .* --set timing\.clock_hz=100000000\.0$"),
        (
            {"array.sharing": False},
            "the network takes 2 tiles of 32 x 32 cells and the board has 1; let",
        ),
        ({"model.hidden": (17,)}, "the network takes 3 tiles of 32 x 32 cells"),
    ],
)
def test_a_board_of_another_configuration(
    changes: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_lines(monkeypatch, lines_to(make_board()))
    with pytest.raises(ConfigError, match=sentence):
        run(tmp_path / "run", BOARD | changes)
    assert not (tmp_path / "run").exists()


WIRED: dict[str, Any] = {"array.front_end": "icebreaker", "array.inputs": "planes", "array.pairs": "separate"}
CHIP: dict[str, Any] = {"array.front_end": "emulated", "device.preset": "chip"}


@pytest.mark.parametrize(
    ("board", "mine", "sentence"),
    [
        (CHIP, {"device.preset": "chip"}, r"the board has its array on the chip .* give the run .*=emulated$"),
        ({"device.preset": "chip"}, CHIP, r"the board has the array at its pins \(direct\) .*front_end=direct$"),
        (WIRED, {}, r"the board has the serial parts of .*icebreaker.* this run is for the array at its pins"),
        (CHIP, WIRED, r"and this run is for the serial parts of .*icebreaker.* --set array\.front_end=emulated$"),
        (
            WIRED,
            WIRED | {"array.front_end": "own.toml"},
            r"wiring file that is unknown here; .* give the run .*front_end=",
        ),
        (CHIP | {"array.rows": 16}, {}, r"give the run --set array\.rows=16 --set array\.front_end=emulated$"),
    ],
)
def test_a_board_with_another_front_end(
    board: dict[str, Any], mine: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiring = (Path(wirings.__file__).parent / "icebreaker.toml").read_text()
    (tmp_path / "own.toml").write_text(wiring.replace("power_up_us = 100", "power_up_us = 200"))
    monkeypatch.chdir(tmp_path)
    use_lines(monkeypatch, lines_to(make_board(board)))
    with pytest.raises(ConfigError, match=sentence):
        run(tmp_path / "run", BOARD | mine)
    assert not (tmp_path / "run").exists()


def test_a_board_that_comes_back_with_another_front_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boards = [make_board(CHIP), make_board({"device.preset": "chip"})]
    lost = [(40,), ()]
    use_lines(monkeypatch, lambda: SoftwareLine(boards.pop(), lost.pop(0)))
    with pytest.raises(ConfigError, match=r"this run is for the array at its pins"):
        run(tmp_path / "run", BOARD | {"device.preset": "chip"})


def test_a_run_with_the_wiring_of_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any wiring with the same parts will do."""
    fast, _ = run(tmp_path / "fast", WIRED | {"array.front_end": "icesugar"})
    use_lines(monkeypatch, lines_to(make_board(WIRED)))
    report, _ = run(tmp_path / "run", BOARD | WIRED | {"array.front_end": "icesugar", "engine.check": True})
    mine, expected = result_of(report), result_of(fast)
    for part in ("epochs", "totals", "wear"):
        assert mine[part] == expected[part]
    # The first selection waits for the parts' power-up, of which a board has less to come: it was identified first.
    assert mine["initialization"]["actions"] == expected["initialization"]["actions"]
    assert report["board"]["differing_responses"] == 0


def test_no_board_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="the port in this process cannot be opened at 2000000 baud"):
        run(tmp_path / "run", BOARD)
    assert not (tmp_path / "run").exists()


def test_ports_in_the_configuration() -> None:
    with pytest.raises(ConfigError, match=r"engine\.port is missing"):
        ExperimentConfig().merge({"engine.name": "board"})
    with pytest.raises(ConfigError, match="engine fast has no port"):
        ExperimentConfig().merge({"engine.port": "/dev/ttyUSB1"})
    with pytest.raises(ConfigError, match=r"engine\.check compares a board"):
        ExperimentConfig().merge({"engine.check": True})
