"""The command ``twinbar verify``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wrong_engines import sum_is_one_too_large, wrong

from twinbar.emulator.engines import controllers
from twinbar.emulator.verify import compared_engines
from twinbar.emulator.verify.elaborations import ELABORATIONS, SERIAL
from twinbar.host.cli import main


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as outcome:
            main(["verify", *arguments])
        out, err = capsys.readouterr()
        return int(outcome.value.code or 0), out, err

    return run


@pytest.fixture
def one_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    real = compared_engines.engine_of
    monkeypatch.setitem(controllers.CONTROLLERS, "wrong", controllers.CONTROLLERS["fast"])
    monkeypatch.setattr(
        compared_engines,
        "engine_of",
        lambda name: wrong(real("fast"), sum_is_one_too_large) if name == "wrong" else real(name),
    )


def test_front_ends_are_chosen(verify: Callable[..., tuple[int, str, str]]) -> None:
    chosen = ("--programs", "3", "--front-end", "serial")
    status, out, _ = verify("--engines", "events,fast", *chosen)
    assert status == 0
    assert "No difference." in out
    status, _, err = verify("--engines", "fast,events", *chosen, "--tiles", "4")
    assert status == 2
    assert "no controller with 4 tiles and a serial front end is compared; choose from 1 to 2 tiles" in err


def test_controllers_that_an_option_leaves_out_are_named_with_it(verify: Callable[..., tuple[int, str, str]]) -> None:
    chosen = ("--programs", "40", "--tiles", "1-2", "--front-end", "direct")
    status, out, _ = verify("--engines", "fast,events", *chosen, "--json")
    assert status == 0
    result = json.loads(out)
    names = {name for name, each in ELABORATIONS.items() if each.controller.tiles <= 2}
    few = {name for name, each in SERIAL.items() if each.controller.tiles <= 2}
    taken = set(result["controllers"])
    assert taken
    assert taken <= names
    assert {each["front_end"] for each in result["controllers"].values()} == {"direct"}
    assert sum(each["sessions"] for each in result["controllers"].values()) == result["sessions"]
    assert result["left_out"] == {
        **dict.fromkeys(names - taken, "no program came to it"),
        **dict.fromkeys(ELABORATIONS.keys() - names, "--tiles 1-2"),
        **dict.fromkeys(few, "--front-end direct"),
        **dict.fromkeys(SERIAL.keys() - few, "--tiles 1-2"),
    }


def test_every_controller_takes_part_or_is_named(verify: Callable[..., tuple[int, str, str]]) -> None:
    status, out, _ = verify("--engines", "fast,events", "--programs", "3")
    assert status == 0
    words = " ".join(out.split())
    assert "Controllers that took part:" in words
    assert "Left out (no program came to it):" in words
    for name in ELABORATIONS | SERIAL:
        assert name in words
    status, out, _ = verify("--help")
    words = " ".join(out.split())
    assert f"{len(ELABORATIONS)} controllers with direct front ends, of 1 to 4 tiles" in words
    assert f"{len(SERIAL)} with front ends of serial parts, of 1 and 2 tiles" in words
    assert {each.controller.tiles for each in ELABORATIONS.values()} == {1, 2, 3, 4}
    assert {each.controller.tiles for each in SERIAL.values()} == {1, 2}


def test_equal_engines(verify: Callable[..., tuple[int, str, str]]) -> None:
    status, out, _ = verify("--engines", "fast,events", "--programs", "30", "--tiles", "2")
    assert status == 0
    assert "30 programs" in out
    assert "on fast and events" in out
    assert "WRITE_REGISTER" in out
    assert "No difference." in out


def test_equal_engines_as_json(verify: Callable[..., tuple[int, str, str]]) -> None:
    status, out, _ = verify("--engines", "fast,events", "--programs", "20", "--json")
    result: dict[str, Any] = json.loads(out)
    assert status == 0
    assert (result["equal"], result["difference"], result["programs"]) == (True, None, 20)
    assert result["responses"] == sum(result["statuses"].values())


@pytest.mark.usefixtures("one_is_wrong")
def test_a_difference_is_shown_and_can_be_run_again(
    verify: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    status, out, err = verify("--engines", "fast,wrong", "--programs", "100", "--json")
    assert status == 1
    result: dict[str, Any] = json.loads(out)
    assert result["difference"]["engines"] == ["fast", "wrong"]
    assert "sum" in result["difference"]["text"]
    assert "looking for a smaller program" in err
    found = tmp_path / "found.json"
    found.write_text(out)
    status, out, _ = verify("--engines", "fast,wrong", "--session", str(found), "--shrink", "0")
    assert status == 1
    assert "They differ." in out
    assert "MULTIPLY tile" in out
    assert verify("--engines", "fast,events", "--session", str(found))[0] == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--engines", "fast"], "--engines fast compares nothing; give two or more different engines"),
        (["--engines", "fast,fast"], "compares nothing"),
        (
            ["--engines", "fast,slow"],
            "engine 'slow' that runs programs; choose one of fast, events, rtl, pysim",
        ),
        (["--engines", "fast,events", "--tiles", "7"], "no controller with 7 tiles is compared"),
        (
            ["--engines", "fast,events", "--tiles", "4-1"],
            "--tiles 4-1 is not a number of tiles; give one, such as 2, or a",
        ),
        (["--engines", "fast,events", "--tiles", "two"], "--tiles two is not a number of tiles"),
        (["--engines", "fast,events", "--session", "none.json"], "none.json cannot be read"),
    ],
)
def test_mistakes(verify: Callable[..., tuple[int, str, str]], arguments: list[str], text: str) -> None:
    status, _, err = verify(*arguments)
    assert status == 2
    assert text in " ".join(err.split())
