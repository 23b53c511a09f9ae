"""Builds what is published, installs it in fresh environments, and trains there: from another folder, as another user.

For each Python of 3.11 to 3.13 that is at hand, the wheel is installed as PyPI would install it, with the PyTorch of
``constraints.txt``, and ``digits`` are trained with empty caches. Run by root, the training belongs to ``nobody``::

    make release-check
    .venv/bin/python tools/check_release.py --python python3.12
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PYTHONS: Final = ("python3.11", "python3.12", "python3.13")
NOBODY: Final = "nobody"
TRAIN: Final = ("train", "--data", "digits", "--epochs", "1", "--batch-size", "16")
LEAST: Final = 0.7
"""Accuracy that an epoch of the digits reaches."""


def main() -> None:
    """Build, install, train; print a line for each interpreter."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", metavar="COMMAND", help="an interpreter; may be repeated")
    asked = parser.parse_args().python
    with tempfile.TemporaryDirectory(prefix="twinbar-release-") as scratch:
        place = Path(scratch)
        place.chmod(0o755)  # the other user goes through it
        wheel = build(place)
        for python in [command for command in asked or PYTHONS if asked or _is_at_hand(command)]:
            check(python, wheel, place / Path(python).name)


def build(place: Path) -> Path:
    """Build the source distribution, and the wheel of it, as a release does; both must hold all files of the packages.

    Returns
    -------
    Path
        The wheel.
    """
    source = place / "source"
    # A copy: what lies about in the checkout (build folders, caches) must not come along.
    listed = _run(["git", "ls-files", "-z"], cwd=ROOT).split("\0")
    for name in filter(None, listed):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, source / name)
    # The copy has no tags: what it is the version of is told by the checkout.
    version = _run([sys.executable, "-m", "setuptools_scm"], cwd=ROOT).strip()
    told = os.environ | {"SETUPTOOLS_SCM_PRETEND_VERSION_FOR_TWINBAR": version}
    _run([sys.executable, "-m", "build", "--outdir", str(place / "dist"), str(source)], env=told)
    (archive,) = (place / "dist").glob("*.tar.gz")
    (wheel,) = (place / "dist").glob("*.whl")
    if wheel.name.split("-")[1] != version:
        raise SystemExit(f"the wheel is {wheel.name}; its version must be that of the checkout, {version}")
    expected = {name for name in listed if name.partition("/")[0] in ("twinbar", "hw", "emulator", "host", "boards")}
    expected = {name for name in expected if not name.endswith(".md")}
    with tarfile.open(archive) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}
    with zipfile.ZipFile(wheel) as opened:
        installed = {name.removeprefix("twinbar/") for name in opened.namelist()}
    _nothing_missing("source distribution", expected - packed)
    _nothing_missing("wheel", {name.removeprefix("twinbar/") for name in expected} - installed)
    print(f"{archive.name} and {wheel.name} hold all {len(expected)} files")
    return wheel


def check(python: str, wheel: Path, place: Path) -> None:
    """Install the wheel in an environment of its own, and train with it."""
    place.mkdir()
    environment = place / "environment"
    _run([python, "-m", "venv", str(environment)])
    installing = time.monotonic()
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--constraint"]
    _run([*pip, str(ROOT / "constraints.txt"), str(wheel)])
    home = place / "home"
    home.mkdir()
    user = _other_user(environment / "bin" / "python")
    if user is not None:
        shutil.chown(home, user)
    # Nothing of this user's settings: neither paths to the checkout nor caches.
    clean = {"PATH": f"{environment / 'bin'}:/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8"}
    training = time.monotonic()
    out = home / "runs" / "first"
    _run([str(environment / "bin" / "twinbar"), *TRAIN, "--out", str(out)], cwd=home, env=clean, user=user)
    ended = time.monotonic()
    accuracy = json.loads((out / "report.json").read_text())["epochs"][-1]["test_accuracy"]
    if accuracy < LEAST:
        raise SystemExit(f"{python}: an epoch of digits reaches {accuracy:.1%}; it must reach {LEAST:.0%}")
    if not (out / "index.html").is_file():
        raise SystemExit(f"{python}: the training wrote no page")
    version = _run([str(environment / "bin" / "python"), "--version"]).strip()
    print(
        f"{version}: installed in {training - installing:.0f} s; first accuracy {accuracy:.1%} and page, as "
        f"{user or 'this user'}, with empty caches, in {ended - training:.0f} s",
        flush=True,
    )


def _is_at_hand(command: str) -> bool:
    """Return whether an interpreter is there and runs; a shim of a version manager may not."""
    try:
        return subprocess.run([command, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _other_user(python: Path) -> str | None:
    """Return a user without rights, or None where this process may not act as one, or that one cannot run Python."""
    if os.geteuid() != 0:
        return None
    try:
        subprocess.run([python, "-c", ""], user=NOBODY, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None  # the interpreter lies in a home that is closed to others
    return NOBODY


def _nothing_missing(what: str, missing: set[str]) -> None:
    if missing:
        raise SystemExit(
            f"the {what} lacks {len(missing)} files, {min(missing)} among them; list them in pyproject.toml"
        )


def _run(command: list[str], **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return str(done.stdout)


if __name__ == "__main__":
    main()
