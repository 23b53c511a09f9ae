"""What an installation holds: every package and every file that the tree has."""

import fnmatch
import itertools
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import twinbar as tb

ROOT = Path(__file__).parent.parent
FOLDERS = ("twinbar", "hw", "emulator", "host", "boards")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def files() -> list[Path]:
    """Every file of the five folders, relative to the root, but notes for readers and what Python and Numba leave."""
    found = [path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [path for path in found if "__pycache__" not in path.parts and path.suffix != ".md"]


def package_of(folder: Path) -> str:
    return ".".join(folder.parts if folder.parts[0] == "twinbar" else ("twinbar", *folder.parts))


def test_every_folder_with_files_is_a_package(project: dict[str, Any]) -> None:
    assert sorted(project["tool"]["setuptools"]["packages"]) == sorted({package_of(path.parent) for path in files()})


def test_every_data_file_is_packaged(project: dict[str, Any]) -> None:
    patterns = project["tool"]["setuptools"]["package-data"]
    data = [path for path in files() if path.suffix != ".py"]
    assert {path.suffix for path in data} >= {".toml", ".j2", ".css"}
    for path in data:
        assert any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns.get(package_of(path.parent), [])), path
    # A pattern that matches nothing is a mistake, or a file that was forgotten.
    for package, names in patterns.items():
        folder = Path(*package.split(".")[1:]) if package != "twinbar" else Path(package)
        for pattern in names:
            assert any(path.parent == folder and fnmatch.fnmatch(path.name, pattern) for path in data), (
                package,
                pattern,
            )


def test_folders_with_code_can_be_imported_without_namespace_packages() -> None:
    with_code = {path.parent for path in files() if path.suffix == ".py"}
    assert [folder for folder in with_code if not (ROOT / folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_types_reach_users(folder: str) -> None:
    assert (ROOT / folder / "py.typed").is_file()


def test_the_command_is_installed(project: dict[str, Any]) -> None:
    (script,) = entry_points(group="console_scripts", name="twinbar")
    assert project["project"]["scripts"]["twinbar"] == script.value
    assert callable(script.load())


def test_the_version_is_that_of_the_tags(project: dict[str, Any]) -> None:
    assert project["project"]["dynamic"] == ["version"]
    assert any(Requirement(text).name == "setuptools-scm" for text in project["build-system"]["requires"])
    assert Version(tb.__version__) == Version(version("twinbar"))


def test_a_source_tree_on_the_path_says_that_its_version_is_unknown(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "twinbar", tmp_path / "twinbar", ignore=shutil.ignore_patterns("__pycache__"))
    said = subprocess.run(
        [sys.executable, "-S", "-c", "import twinbar; print(twinbar.__version__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "0+unknown"


def test_changelog_citation_and_fallback_name_one_release(project: dict[str, Any]) -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[([0-9.]+)\]", changelog, re.MULTILINE)
    cited = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert cited is not None
    assert newest[1] == cited[1]
    # A merge once took two of the three away.
    assert re.findall(r"^### (.+)$", changelog, re.MULTILINE) == ["Added", "Changed", "Fixed"]
    # A copy that does not know its version must not pass for a release.
    assert project["tool"]["setuptools_scm"]["fallback_version"] == f"{newest[1]}.dev0"


@pytest.mark.slow
def test_a_wheel_holds_every_file_and_runs(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path, source]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("twinbar-*.whl")
    target = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    installed = {path.relative_to(target / "twinbar") for path in (target / "twinbar").rglob("*") if path.is_file()}
    assert installed == set(files())
    # -S leaves out the editable installation of this very project; the dependencies come by path.
    dependencies = [path for path in sys.path if path.endswith("site-packages")]
    program = (
        "from twinbar.host.cli import main; import twinbar.hw; print(twinbar.hw.__file__); main(['device', 'list'])"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {[str(target), *dependencies]}; {program}"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert ran.stdout.startswith(str(target))
    assert "taox-hfox" in ran.stdout


def test_a_plain_installation_brings_nothing_that_few_need(project: dict[str, Any]) -> None:
    needed = {Requirement(text).name: Requirement(text) for text in project["project"]["dependencies"]}
    assert not needed.keys() & {"scipy", "pyarrow", "scikit-learn", "h5py"}
    # An upper bound would keep Twinbar from being installed beside the next release.
    assert {bound.operator for bound in needed["torch"].specifier} == {">="}


def test_every_dependency_has_its_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text().partition("dependencies = [\n")[2].partition("\n]")[0].splitlines()
    for above, line in itertools.pairwise(["", *lines]):
        if not line.strip().startswith("#"):
            assert above.strip().startswith("#"), line


def test_helpers_of_the_tests_have_names_of_their_own() -> None:
    # All folders of tests are on the path at once: of two modules with one name, only the first is found.
    helpers = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name not in ("conftest.py", "__init__.py")]
    assert sorted(helpers) == sorted(set(helpers))
