"""Traces of a training run: their rows, their replay on other engines, and what a killed run keeps of them."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from twinbar.host.cli import main
from twinbar.host.trace.replay import programs_of
from twinbar.host.trace.store import cut_back, part_path, read_parts, write_part
from twinbar.hw.errors import ConfigError

SMALL = [
    *("train", "--data", "digits", "--limit", "32", "--epochs", "1", "--batch-size", "16", "--hidden", "8"),
    *("--set", "array.rows=16", "--set", "array.columns=16"),
]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(arguments))
    return int(end.value.code or 0)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces") / "run"
    assert run(*SMALL, "--record", "--timeline", "--out", str(folder)) == 0
    return folder


def test_recording_does_not_change_the_result(recorded: Path, tmp_path: Path) -> None:
    assert run(*SMALL, "--out", str(tmp_path / "plain")) == 0
    with_trace, without = (json.loads((f / "report.json").read_text()) for f in (recorded, tmp_path / "plain"))
    for report in (with_trace, without):
        for part in (*report["epochs"], report["totals"], report["initialization"]):
            part.pop("host_seconds")
    for key in ("epochs", "totals", "wear", "initialization"):
        assert with_trace[key] == without[key]


def test_levels_of_rows_are_those_that_lie_nearest(tmp_path: Path) -> None:
    """Of 4 levels at 0, 0.1, 0.4 and 1 of the window; level by level the ones that were asked for."""
    spacing = ("--levels", "4", "--set", "device.level_spacing=0,0.1,0.4,1")
    assert run(*SMALL, *spacing, "--record", "--out", str(tmp_path / "run")) == 0
    first, second, *_ = read_parts(tmp_path / "run")
    rows = pa.concat_tables([first.rows, second.rows]).to_pylist()
    held: dict[tuple[int, int, int], int] = {}
    told = []
    for row in rows:
        if row["opcode"] == "WRITE":
            place = row["tile"], row["row"], row["column"]
            if place in held and row["status"] == "OK":
                told.append((held[place], row["from_level"]))
            held[place] = row["to_level"]
    assert len(told) > 20
    assert np.mean([was == found for was, found in told]) > 0.8
    assert {0, 1, 2} <= {found for _, found in told}


def test_a_row_tells_what_became_of_its_command(recorded: Path) -> None:
    (first, *_) = read_parts(recorded)
    writes = first.rows.filter(np.array(first.rows["opcode"].to_pylist()) == "WRITE").to_pydict()
    assert len(writes["row"]) > 100
    for sets, resets, reads, heat in zip(
        *(writes[name] for name in ("sets", "resets", "reads", "energy_j")), strict=True
    ):
        assert reads == sets + resets + 1
        assert heat > 0
    arrived = [to == was for to, was in zip(writes["to_level"], writes["from_level"], strict=True)]
    pulses = [sets + resets for sets, resets in zip(writes["sets"], writes["resets"], strict=True)]
    # Cells that are where they should be take few pulses.
    still = np.mean([count for count, there in zip(pulses, arrived, strict=True) if there] or [0])
    assert still < np.mean([count for count, there in zip(pulses, arrived, strict=True) if not there])
    assert {"initialization", "write", "forward"} & set(first.rows["kind"].to_pylist()) == {"write", "forward"}
    assert all(answered > accepted for accepted, answered in zip(writes["accepted"], writes["answered"], strict=True))


@pytest.mark.parametrize("engine", ["fast", "events"])
def test_every_part_replays(engine: str, recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("replay", str(recorded), "--engine", engine, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["difference"] == ""
    assert result["parts"] == 2
    assert result["commands"] == sum(len(part.rows) for part in read_parts(recorded))


def test_a_changed_trace_is_found(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part = next(read_parts(recorded))
    cycles = part.rows["accepted"].to_numpy().copy()
    cycles[40] += 1
    column = part.rows.schema.get_field_index("accepted")
    changed = part.rows.set_column(column, part.rows.schema.field(column), [cycles])
    write_part(tmp_path, 0, part.config, part.state, [changed])
    assert run("replay", str(tmp_path)) == 1
    assert "command 40" in capsys.readouterr().err


def test_the_timeline_shows_tiles_converters_and_streams(recorded: Path) -> None:
    events = json.loads((recorded / "trace.json").read_text())["traceEvents"]
    names = {event["args"].get("name", "") for event in events if event["ph"] == "M"}
    assert any("tile 0" in name for name in names), names
    assert {event["name"] for event in events if event["ph"] == "X"} >= {"settle", "convert", "MULTIPLY"}


def test_parts_behind_a_checkpoint_are_removed(recorded: Path, tmp_path: Path) -> None:
    part = next(read_parts(recorded))
    for number in range(3):
        write_part(tmp_path, number, part.config, part.state, [part.rows])
    part_path(tmp_path, 3).with_suffix(".unfinished").write_bytes(b"half")
    cut_back(tmp_path, 1)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["part-00000.parquet"]


def test_a_folder_without_a_trace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no trace"):
        next(read_parts(tmp_path))
    (tmp_path / "part-00000.parquet").write_bytes(b"no parquet")
    with pytest.raises(ConfigError, match="is damaged"):
        next(read_parts(tmp_path))


def test_programs_come_back_as_they_were(recorded: Path) -> None:
    part = next(read_parts(recorded))
    programs = [program for program, _ in programs_of(part.rows)]
    assert sum(len(program.commands) for program in programs) == len(part.rows)
    assert {program.kind for program in programs} == {"write", "forward"}
    table = pq.read_table(part.path)
    assert table.schema.names == part.rows.schema.names
