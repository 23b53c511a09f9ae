"""Names that a registry knows, what plug-ins add to it, and every way in which a plug-in can be wrong."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from twinbar.hw.errors import ConfigError
from twinbar.hw.registry import Registry, Unfit, is_reference

Install = Callable[..., None]


class Lamp:
    def __init__(self, name: str) -> None:
        self.name = name


RED, GREEN = Lamp("red"), Lamp("green")


def accept(found: object) -> Lamp:
    # A lamp of a plug-in's own module: it has a name.
    if not hasattr(found, "name"):
        raise Unfit(f"is {found!r}; it must be a Lamp")
    return found  # type: ignore[return-value]


def lamps() -> Registry[Lamp]:
    built_in = {"red": lambda: RED, "green": lambda: GREEN}
    return Registry("lamp", "twinbar.lamps", lambda: built_in, accept, lambda lamp: lamp.name)


MODULE = """
class Lamp:
    def __init__(self, name):
        self.name = name
BLUE, RED = Lamp("blue"), Lamp("red")
def dark(): pass
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution, as its metadata and modules in a folder of its own."""

    def make(distribution: str, points: dict[str, str], **modules: str) -> None:
        site = tmp_path / distribution
        info = site / f"{distribution.replace('-', '_')}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[twinbar.lamps]", *lines]) + "\n")
        for name, text in modules.items():
            (site / f"{name}.py").write_text(text)
            monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.syspath_prepend(site)

    return make


def sentence(function: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as caught:
        function()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "refers"),
    [
        ("package.module:Name", True),
        ("module:Name.inner", True),
        ("siamese", False),
        ("my-cell.toml", False),
        ("C:\\cells\\mine.toml", False),
        ("74HC595 at 2 V", False),
        ("socket://host:7", False),
        ("a:1", False),
    ],
)
def test_what_refers_to_a_module_is_told_from_names_and_paths(name: str, refers: bool) -> None:
    assert is_reference(name) is refers


def test_what_is_built_in_is_found_by_its_name() -> None:
    assert lamps().names() == ["red", "green"]
    assert lamps().load("green") is GREEN
    assert lamps().built_in() == {"red": RED, "green": GREEN}


def test_a_plug_in_adds_a_name_and_is_imported_when_it_is_used(install: Install) -> None:
    install("more-lamps", {"blue": "bulbs:BLUE"}, bulbs=MODULE)
    assert lamps().names() == ["red", "green", "blue"]
    assert "bulbs" not in sys.modules
    assert lamps().load("blue").name == "blue"
    assert [(entry.name, entry.origin, entry.problem) for entry in lamps().entries()] == [
        ("red", "twinbar", None),
        ("green", "twinbar", None),
        ("blue", "more-lamps 1.2 (bulbs:BLUE)", None),
    ]
    assert lamps().describe("blue") == "the lamp 'blue' of the plug-in more-lamps 1.2 (bulbs:BLUE)"


def test_a_module_that_is_not_installed_is_taken_by_reference(install: Install) -> None:
    install("more-lamps", {}, bulbs=MODULE)
    assert lamps().names() == ["red", "green"]
    assert lamps().load("bulbs:BLUE").name == "blue"


def test_a_module_of_the_working_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "bulbs_here", raising=False)
    (tmp_path / "bulbs_here.py").write_text(MODULE)
    assert "cannot be imported: ModuleNotFoundError" in sentence(lambda: lamps().load("bulbs_here:BLUE"))
    monkeypatch.chdir(tmp_path)
    assert lamps().load("bulbs_here:BLUE").name == "blue"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("gren", "there is no lamp 'gren'; did you mean 'green'?"),
        ("violet", "there is no lamp 'violet'; choose one of red, green, blue, or give package.module:Name"),
    ],
)
def test_an_unknown_name_says_what_there_is(install: Install, name: str, hint: str) -> None:
    install("more-lamps", {"blue": "bulbs:BLUE"}, bulbs=MODULE)
    assert sentence(lambda: lamps().load(name)) == hint


BROKEN = {
    "no module": ("nowhere:BLUE", "", "ModuleNotFoundError: No module named 'nowhere'"),
    "no package inside": (
        "bulbs:BLUE",
        "import nowhere_inside",
        "ModuleNotFoundError: No module named 'nowhere_inside'",
    ),
    "no attribute": ("bulbs:BLEU", MODULE, "AttributeError: module 'bulbs' has no attribute 'BLEU'"),
    "syntax": ("bulbs:BLUE", "class (", "SyntaxError: "),
    "raises": ("bulbs:BLUE", "raise ValueError('the fuse\\nis blown')", "ValueError: the fuse"),
    "exits": ("bulbs:BLUE", "import sys; sys.exit('off')", "SystemExit: off"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_plug_in_that_cannot_be_imported_is_named_with_the_reason(install: Install, case: str) -> None:
    value, text, reason = BROKEN[case]
    install("more-lamps", {"blue": value}, bulbs=text)
    named = f"the lamp 'blue' of the plug-in more-lamps 1.2 ({value}) cannot be imported: {reason}"
    assert sentence(lambda: lamps().load("blue")).startswith(named)
    assert sentence(lambda: lamps().load(value)).startswith(f"the lamp {value} cannot be imported: {reason}")
    # Whoever does not use it is not disturbed, and a list names it.
    assert lamps().load("red") is RED
    problems: list[str] = []
    assert lamps().plugged(problems.append) == {}
    assert [problem.startswith(named) for problem in problems] == [True]
    assert [entry.problem is None for entry in lamps().entries()] == [True, True, False]


def test_a_plug_in_of_another_shape_is_named(install: Install) -> None:
    install("more-lamps", {"blue": "bulbs:dark", "cyan": "bulbs:BLUE"}, bulbs=MODULE)
    shape = sentence(lambda: lamps().load("blue"))
    assert shape.startswith("the lamp 'blue' of the plug-in more-lamps 1.2 (bulbs:dark) is <function dark")
    assert shape.endswith("; it must be a Lamp")
    assert sentence(lambda: lamps().load("cyan")) == (
        "the lamp 'cyan' of the plug-in more-lamps 1.2 (bulbs:BLUE) calls itself 'blue'; make the two names agree"
    )


def test_a_name_that_is_built_in_is_not_taken(install: Install) -> None:
    install("more-lamps", {"red": "bulbs:RED", "blue": "bulbs:BLUE"}, bulbs=MODULE)
    taken = (
        "the plug-in more-lamps 1.2 (bulbs:RED) names its lamp 'red', as a built-in one is named; uninstall it, or "
        "rename its entry point"
    )
    assert sentence(lambda: lamps().load("red")) == taken
    assert lamps().load("green") is GREEN
    problems: list[str] = []
    assert list(lamps().plugged(problems.append)) == ["blue"]
    assert problems == [taken]
    assert sentence(lambda: lamps().load("bulbs:RED")) == (
        "the lamp bulbs:RED calls itself 'red', as a built-in one does; give it another name"
    )


def test_a_name_of_two_plug_ins_is_refused(install: Install) -> None:
    install("more-lamps", {"blue": "bulbs:BLUE"}, bulbs=MODULE)
    install("even-more-lamps", {"blue": "tubes:BLUE"}, tubes=MODULE)
    refused = sentence(lambda: lamps().load("blue"))
    assert refused.startswith(
        "the lamp 'blue' is in the plug-ins even-more-lamps 1.2 (tubes:BLUE) and more-lamps 1.2 (bulbs:BLUE); "
    )
    assert lamps().load("tubes:BLUE").name == "blue"
    assert lamps().names() == ["red", "green", "blue"]
