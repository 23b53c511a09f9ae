"""Kernels are compiled once, and again when something that they are made of has changed."""

from pathlib import Path

import pytest
from kernels_under_test import SmallPackage

ALL = ["busy", "doubled", "scaled"]


@pytest.fixture
def package(tmp_path: Path) -> SmallPackage:
    return SmallPackage(tmp_path)


HARMLESS = [
    ("sums.py", "# Twice.", "# Two times.\n"),
    ("scalars.py", "Scale a number.", "Multiply it.\n\n    By a constant."),
    ("scalars.py", "from small import numbers", "import math\nfrom small import numbers\n\nSIZE = 3"),
    ("plain.py", "hello", "goodbye"),
    ("numbers.py", "UNUSED: Final = 1", "UNUSED: Final = 2"),
]
"""An edit of a comment, of a docstring, of the lines above, of a file without kernels, of a constant of no kernel."""


def test_kernels_are_compiled_once_and_again_when_what_they_are_made_of_has_changed(package: SmallPackage) -> None:
    first, second = package.run(), package.run()
    assert (first.answers, first.compiled) == ([30, 7], ALL)
    assert first.err.startswith("compiling kernels, once (about ")
    assert (second.answers, second.compiled, second.err) == ([30, 7], [], "")
    for edit in HARMLESS:
        package.edit(*edit)
    assert package.run().compiled == []
    package.edit("numbers.py", "FACTOR: Final = 3", "FACTOR: Final = 4")
    third = package.run()
    assert (third.answers, third.compiled) == ([40, 7], ["doubled", "scaled"])


@pytest.mark.parametrize("edit", HARMLESS, ids=["comment", "docstring", "lines above", "no kernel", "unused constant"])
def test_a_key_does_not_depend_on_what_no_kernel_is_made_of(package: SmallPackage, edit: tuple[str, str, str]) -> None:
    before = package.keys()
    package.edit(*edit)
    assert package.keys() == before


@pytest.mark.parametrize(
    ("name", "old", "new", "changed"),
    [
        ("numbers.py", "FACTOR: Final = 3", "FACTOR: Final = 4", ["doubled", "scaled"]),
        ("numbers.py", "FACTOR: Final = 3", "FACTOR: Final = 3.0", ["doubled", "scaled"]),
        ("numbers.py", "IDLE = 0\n    BUSY = 1", "BUSY = 0\n    IDLE = 1", ["busy"]),
        ("scalars.py", "x * numbers", "x + numbers", ["doubled", "scaled"]),
        ("scalars.py", "numbers.FACTOR", "numbers.UNUSED", ["doubled", "scaled"]),
        ("sums.py", "2 * scaled", "3 * scaled", ["doubled"]),
        ("scalars.py", "import inline", "import kernel as inline", ["doubled", "scaled"]),
    ],
    ids=["constant", "its type", "enumeration", "callee", "another constant", "kernel", "how it is compiled"],
)
def test_a_key_follows_from_everything_a_kernel_is_made_of(
    package: SmallPackage, name: str, old: str, new: str, changed: list[str]
) -> None:
    before = package.keys()
    package.edit(name, old, new)
    after = package.keys()
    assert [kernel for kernel in before if after[kernel] != before[kernel]] == changed


def test_a_kernel_that_takes_in_what_nobody_knows_is_refused(package: SmallPackage) -> None:
    package.edit("numbers.py", "FACTOR: Final = 3", "class Scale:\n    factor = 3\nFACTOR: Final = Scale()")
    with pytest.raises(TypeError, match=r"^small\.scalars\.scaled takes in .*Scale object"):
        package.keys()


def test_a_kernel_that_names_what_is_not_there_is_refused(package: SmallPackage) -> None:
    package.edit("numbers.py", "FACTOR: Final = 3", "")
    with pytest.raises(TypeError, match=r"^small\.scalars\.scaled names small\.numbers\.FACTOR, which does not exist$"):
        package.keys()


def test_a_cache_that_cannot_be_made_is_no_error(package: SmallPackage) -> None:
    (package.folder / "cache").write_text("a file in its place")
    first, second = package.run(), package.run()
    assert first.answers == second.answers == [30, 7]
    assert second.compiled == ALL
    assert second.err.count("compiled kernels cannot be kept in ") == 1
