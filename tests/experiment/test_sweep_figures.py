"""How runs of a sweep are judged: means over seeds, and settings that no other one beats. Values are by hand."""

import pytest

from twinbar.host.experiment.sweep import sweep_csv
from twinbar.host.experiment.sweep_figures import figures_of, pareto_front, points_of
from twinbar.host.report.sweep_plots import draw_sweep
from twinbar.host.report.sweep_tables import front_of, latex_table, ranked, show_figure, sweep_rows

REPORT = {
    "epochs": [{"test_accuracy": 0.5, "train_loss": 2.0}, {"test_accuracy": 0.75, "train_loss": 1.0}],
    "totals": {
        "updates_per_weight": 1.5,
        "cell_writes": 30,
        "pulses": {"set": 7, "reset": 5},
        "verify_reads": 40,
        "energy_j": {"write": 2e-6, "total": 3e-3, "total_with_host": 4e-3},
        "seconds": {"write": 0.25, "total": 0.5},
    },
    "wear": {"max_pulses_per_cell": 9},
}


def test_figures_come_from_the_last_epoch_and_the_whole_run() -> None:
    assert figures_of(REPORT) == {
        "test_accuracy": 0.75,
        "train_loss": 1.0,
        "updates_per_weight": 1.5,
        "cell_writes": 30.0,
        "pulses": 12.0,
        "verify_reads": 40.0,
        "write_energy_j": 2e-6,
        "total_energy_j": 3e-3,
        "total_with_host_energy_j": 4e-3,
        "write_seconds": 0.25,
        "total_seconds": 0.5,
        "worst_cell_pulses": 9.0,
    }
    # The user's own metric may be anything.
    for value in (float("nan"), float("inf")):
        assert figures_of({"epochs": [{"test_metric": value, "train_loss": 1.0}], "totals": {}}) == {"train_loss": 1.0}
    # A network without a crossbar has no costs.
    assert figures_of({"epochs": [{"test_metric": 0.125}], "totals": {"energy_j": {}}, "wear": None}) == {
        "test_metric": 0.125
    }


def test_points_are_means_over_seeds_with_intervals_of_student() -> None:
    runs = [
        {"run": "0001", "settings": {"a": 1}, "figures": {"test_accuracy": 0.5}},
        {"run": "0002", "settings": {"a": 1}, "figures": {"test_accuracy": 0.7}},
        {"run": "0003", "settings": {"a": 2}, "figures": {"test_accuracy": 0.9}},
        {"run": "0004", "settings": {"a": 2}, "figures": None},
        {"run": "0005", "settings": {"a": 3}, "figures": None},
    ]
    first, second, third = points_of(runs)
    assert (first["settings"], first["runs"]) == ({"a": 1}, ["0001", "0002"])
    accuracy = first["figures"]["test_accuracy"]
    assert accuracy["mean"] == pytest.approx(0.6)
    # Student's 97.5 % quantile with one degree of freedom, times the standard error 0.1.
    assert accuracy["high"] - accuracy["mean"] == pytest.approx(12.706 * 0.1)
    assert (second["figures"]["test_accuracy"]["low"], second["runs"]) == (None, ["0003"])
    assert (third["figures"], third["runs"]) == ({}, [])


def test_a_front_is_what_no_other_point_beats() -> None:
    # More is better, less is better.
    points = [(0.9, 5.0), (0.8, 1.0), (0.9, 4.0), (0.7, 2.0), (0.95, 9.0), (0.8, 1.0)]
    assert pareto_front(points, (True, False)) == [1, 2, 4, 5]
    assert pareto_front([(1.0,), (3.0,), (2.0,)], (True,)) == [1]
    assert pareto_front([], (True, False)) == []


def result(points: list[dict], **config: object) -> dict:
    return {
        "config": {"trials": 0, "goals": ["test_accuracy"], "seeds": 1, **config},
        "space": [{"key": "device.levels", "values": [4, 8]}],
        "points": points,
        "runs": [{"settings": each["settings"], "failed": None} for each in points],
    }


def point(levels: int, accuracy: float, energy: float) -> dict:
    def figure(mean: float) -> dict:
        return {"mean": mean, "low": None, "high": None, "runs": 1, "values": [mean]}

    figures = {"test_accuracy": figure(accuracy), "total_energy_j": figure(energy)}
    return {"settings": {"device.levels": levels}, "figures": figures, "runs": ["0001"]}


def test_the_table_has_the_best_settings_first_and_marks_the_front() -> None:
    points = [point(4, 0.9, 2e-6), point(8, 0.95, 3e-6), point(16, 0.85, 2.5e-6)]
    heading, rows = sweep_rows(result(points))
    assert heading == ["", "device.levels", "Runs", "Test accuracy", "Whole-system energy"]
    assert rows == [
        ["●", "8", "1", "95.00 %", "3.00 µJ"],
        ["●", "4", "1", "90.00 %", "2.00 µJ"],
        ["", "16", "1", "85.00 %", "2.50 µJ"],
    ]
    # A search marks what is best at its goals.
    assert [row[0] for row in sweep_rows(result(points, trials=3))[1]] == ["●", "", ""]
    assert front_of(points, ()) == []


def test_settings_without_the_figure_come_last_and_have_no_dots() -> None:
    points = [point(4, 0.9, 2e-6), point(8, 0.5, 3e-6)]
    for each, name in zip(points, ("total_energy_j", "test_metric"), strict=True):
        each["figures"]["test_metric"] = each["figures"].pop("test_accuracy")
        del each["figures"][name]
    found = result(points[::-1])
    assert [each["settings"]["device.levels"] for each in ranked(found)] == [4, 8]
    # No setting has both a cost and what was learnt.
    assert draw_sweep(found) == []


def test_an_axis_shows_no_accuracy_that_there_is_none_of() -> None:
    plot = draw_sweep(result([point(4, 0.1, 2e-6), point(8, 0.97, 3e-6)]))[0]
    low, high = plot.figure.axes[0].get_ylim()
    assert -5 < low < 10
    assert 97 < high < 105


@pytest.mark.parametrize(
    ("name", "figure", "text"),
    [
        ("test_accuracy", {"mean": 0.9512, "low": 0.94, "high": 0.9624}, "95.12 ± 1.12 %"),
        ("total_energy_j", {"mean": 2.5e-6, "low": 2.4e-6, "high": 2.6e-6}, "2.50 µJ ± 100 nJ"),
        ("updates_per_weight", {"mean": 1.6132, "low": 0.6132, "high": 2.6132}, "1.6 ± 1.0"),
        ("updates_per_weight", {"mean": 1.25, "low": 1.25, "high": 1.25}, "1.25 ± 0"),
        ("pulses", {"mean": 12345.0, "low": 12000.0, "high": 12690.0}, "12,345 ± 345"),
        ("updates_per_weight", {"mean": 1.25, "low": None, "high": None}, "1.25"),
        ("pulses", None, "–"),
    ],
)
def test_a_figure_as_text(name: str, figure: dict | None, text: str) -> None:
    assert show_figure(name, figure).replace("\N{NO-BREAK SPACE}", " ") == text


def test_latex_takes_every_character() -> None:
    lines = list(latex_table(["", "a_b", "50 %"], [["●", "1 & 2", "3 ± 0.1 µJ"]]))
    assert lines[0] == r"\begin{tabular}{lll}"
    assert lines[2] == r" & a\_b & 50 \% \\"
    (row,) = list(latex_table(["a"], [["x|y <z>~^{}#$\\"]]))[4:-2]
    assert row == (
        r"x\textbar{}y \textless{}z\textgreater{}\textasciitilde{}\textasciicircum{}\{\}\#\$\textbackslash{} \\"
    )
    assert lines[4] == r"$\bullet$ & 1 \& 2 & 3 $\pm$ 0.1 $\mu$J \\"


def test_the_csv_has_plain_numbers() -> None:
    runs = [
        {
            "run": "0001",
            "settings": {"model.hidden": [64, 32], "array.cascade": True},
            "seed": 0,
            "figures": {"test_accuracy": 0.5, "pulses": 3.0},
            "host_seconds": 1.5,
            "failed": None,
        },
        {
            "run": "0002",
            "settings": {"model.hidden": [8], "array.cascade": False},
            "seed": 0,
            "figures": None,
            "host_seconds": 0.0,
            "failed": "the training diverges, at step 3",
        },
    ]
    assert sweep_csv(runs).splitlines() == [
        "run,model.hidden,array.cascade,seed,test_accuracy,pulses,host_seconds,failed",
        '0001,"64,32",true,0,0.5,3.0,1.5,',
        '0002,8,false,0,,,,"the training diverges, at step 3"',
    ]
