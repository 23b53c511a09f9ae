"""Measured figures of README and docs: none of an older state, each with the commit that was measured."""

import re
from pathlib import Path

import make_figures
import pytest
from figures import foundations, tables
from figures.figure_record import FOLDER, FigureRecord, load_record
from figures.measurements import MEASUREMENTS, Measurement, is_stale


def test_pages_say_what_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    # What the pages hold is what these give (test_generated.py).
    monkeypatch.setattr(tables, "is_stale", lambda name: name == "area")
    rows = [line for line in tables.readme_figures().splitlines() if line.endswith("stale |")]
    assert len(rows) == 1
    assert "logic cells" in rows[0]
    assert tables.area_and_clock().rstrip().endswith("`, stale.")
    assert "stale" not in tables.mnist_policies()


def test_every_record_has_its_measurement() -> None:
    records = {path.stem for path in FOLDER.glob("*.json") if '"rests_on"' in path.read_text(encoding="utf-8")}
    assert records == set(MEASUREMENTS)
    for name in records:
        assert re.fullmatch(r"[0-9a-f]{10}", load_record(name).commit), name


def test_a_figure_whose_ground_moved_is_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("figures.figure_record.FOLDER", tmp_path)
    monkeypatch.setattr("figures.measurements.FOLDER", tmp_path)
    assert is_stale("mnist-policies"), "never measured"
    now, commands = MEASUREMENTS["mnist-policies"].rests_on(), list(MEASUREMENTS["mnist-policies"].commands)
    FigureRecord("0123456789", commands, "", {}, now).save("mnist-policies")
    assert not is_stale("mnist-policies")
    now["siamese"]["energy_j"]["write"] *= 1.01
    FigureRecord("0123456789", commands, "", {}, now).save("mnist-policies")
    assert is_stale("mnist-policies")
    FigureRecord("0123456789", ["twinbar train"], "", {}, MEASUREMENTS["mnist-policies"].rests_on()).save(
        "mnist-policies"
    )
    assert is_stale("mnist-policies"), "another command"


def test_accuracy_does_not_rest_on_prices() -> None:
    (report,) = foundations.stored_reports("siamese").values()
    before = foundations.learning(report)
    report["totals"]["energy_j"]["write"] *= 2
    assert foundations.learning(report) == before
    report["totals"]["updates_per_weight"] += 1
    assert foundations.learning(report) != before


def test_a_record_that_is_missing_names_its_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("figures.figure_record.FOLDER", tmp_path)
    monkeypatch.setattr("figures.figure_record.ROOT", tmp_path)
    with pytest.raises(SystemExit, match=r"speed\.json is missing; run: make figures NAMES=speed"):
        load_record("speed")


def test_nothing_is_measured_of_sources_that_no_commit_has(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"status": " M hw/timing.py", "rev-parse": "0123456789"}
    monkeypatch.setattr(make_figures, "git", lambda word, *_: said[word])
    with pytest.raises(SystemExit, match=r"commit first: .*\n M hw/timing.py"):
        make_figures.commit()
    said["status"] = ""
    assert make_figures.commit() == "0123456789"


def test_a_command_that_fails_leaves_no_record(tmp_path: Path) -> None:
    fails = Measurement(("python -c raise(SystemExit(3))",), "", 1, lambda runs, printed: {}, dict)
    with pytest.raises(SystemExit, match="ended with status 3; nothing was recorded for it"):
        fails.measure(tmp_path)
    told = Measurement(("python -c \"print('RUNS')\"",), "", 1, lambda runs, printed: {"said": printed}, dict)
    assert told.measure(tmp_path) == {"said": [f"{tmp_path}\n"]}


def test_unknown_names_are_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["make_figures.py", "mnist-epoch"])
    with pytest.raises(SystemExit) as ended:
        make_figures.main()
    assert ended.value.code == 2
    assert "there is no measurement 'mnist-epoch'; choose among mnist-epochs" in capsys.readouterr().err
