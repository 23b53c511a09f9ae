"""``twinbar wires`` from the shell."""

import json
from collections.abc import Callable
from typing import Any

import pytest


def test_an_array_is_solved(twinbar: Callable[..., Any]) -> None:
    outcome = twinbar(
        "wires", "ideal", "--rows", "16", "--columns", "8", "--resistance", "20", "--write", "1.5", "--json"
    )
    assert outcome.status == 0, outcome.err
    found = json.loads(outcome.out)
    product, write = found["product"], found["write"]
    # What is followed for longer is closer, and a gain per column mends most of it.
    assert product["wires"] > product["turns"]["1"] > product["turns"]["4"]
    assert product["after_gain"] < 0.1 * product["wires"]
    # Uniformly drawn cells are about the middle of the window, as the emulator's factor has them by default here.
    assert product["reference_factor"] < 0.3 * product["wires"]
    assert 0 < write["half"]["half_selected_v"] < write["half"]["selected_v"] < 1.5
    assert write["third"]["half_selected_v"] < write["half"]["half_selected_v"]


def test_half_selected_cells_are_held_to_their_threshold(twinbar: Callable[..., Any]) -> None:
    small = ("--rows", "4", "--columns", "4")
    # A threshold of 0.35 V: half of a nominal SET of 0.7 V is at it, half of 1.4 V acts like a nominal pulse.
    outcome = twinbar("wires", "gst-pcm", *small, "--write", "1.4", "--json")
    half = json.loads(outcome.out)["write"]["half"]
    assert half["half_selected_v"] == pytest.approx(0.7, rel=0.01)
    assert half["half_selected_set"] == pytest.approx(1, abs=0.05)
    quiet = json.loads(twinbar("wires", "gst-pcm", *small, "--write", "0.69", "--json").out)["write"]
    assert quiet["half"]["half_selected_set"] == 0
    assert "V/2 disturbs: 0.7" in twinbar("wires", "gst-pcm", *small, "--write", "1.4").out
    assert "stay below their SET threshold" in twinbar("wires", "gst-pcm", *small, "--write", "0.69").out


def test_its_tables_can_be_read(twinbar: Callable[..., Any]) -> None:
    outcome = twinbar("wires", "--rows", "4", "--columns", "4", "--write", "2")
    assert outcome.status == 0, outcome.err
    assert "what wires take away" in outcome.out
    assert "V/3" in outcome.out


def test_drops_that_run_away_are_said_to(twinbar: Callable[..., Any]) -> None:
    small = ("--rows", "8", "--columns", "8")
    # At the end of a column more ohms than the column's cells have together.
    assert "leads nowhere" in twinbar("wires", *small, "--terminal", "1e9").out
    assert "leads nowhere" not in twinbar("wires", *small).out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--rows", "0"], "--rows is 0; it must lie between 1 and 1024"),
        (["--vectors", "9999"], "--vectors is 9999; it must lie between 1 and 1024"),
        (["--resistance", "0"], "--resistance is 0; wires without resistance have nothing to solve"),
        (["--resistance", "nan"], "--resistance is nan; it must be a number of ohms, 0 or more"),
        (["--driver", "inf"], "--driver is inf; it must be a number of ohms, 0 or more"),
        (["--write", "inf"], "--write is inf; it must be a voltage above 0"),
        (["--write", "-2"], "--write is -2; it must be a voltage above 0"),
        (["--seed", "-1"], "--seed is -1; it must be 0 or more"),
        (["--reference", "1.5"], "--reference is 1.5; it must lie between 0 and 1"),
        (["--selector", "-3"], "--selector is -3.0; it must be a number of ohms, 0 or more"),
        (["no-such-cell"], "there is no device preset 'no-such-cell'"),
    ],
)
def test_bad_input_is_one_sentence(options: list[str], says: str, twinbar: Callable[..., Any]) -> None:
    outcome = twinbar("wires", *options)
    assert outcome.status != 0
    assert outcome.err.startswith("Error: ")
    assert says in outcome.err
    assert outcome.out == ""
