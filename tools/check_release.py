"""Builds what is published, installs it in fresh environments, and trains there: from another folder, as another user.

For each Python of 3.11 to 3.13 that is at hand, the wheel is installed as PyPI would install it, with the PyTorch of
``constraints.txt``, and ``digits`` are trained with empty caches. Run by root, the training belongs to ``nobody``, and
what it compiles must lie in that user's home. Of several interpreters of a version, one that ``nobody`` may run goes
first::

    make release-check
    .venv/bin/python tools/check_release.py --python python3.12
"""

import argparse
import json
import os
import pwd
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
        for command in asked or PYTHONS:
            python = _found(command)
            if python is not None:
                check(python, wheel, place / Path(command).name)
            elif asked:
                raise SystemExit(
                    f"there is no {command} that runs; --python takes an interpreter, such as {PYTHONS[0]}"
                )


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
    user, why_not = _other_user(environment / "bin" / "python")
    if user:
        shutil.chown(home, user, pwd.getpwnam(user).pw_gid)
    # Nothing of this user's settings: neither paths to the checkout nor caches.
    clean = {"PATH": f"{environment / 'bin'}:/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8"}
    training = time.monotonic()
    out = home / "runs" / "first"
    _run([str(environment / "bin" / "twinbar"), *TRAIN, "--out", str(out)], cwd=home, env=clean, **_rights_of(user))
    ended = time.monotonic()
    accuracy = json.loads((out / "report.json").read_text())["epochs"][-1]["test_accuracy"]
    if accuracy < LEAST:
        raise SystemExit(f"{python}: an epoch of digits reaches {accuracy:.1%}; it must reach {LEAST:.0%}")
    if not (out / "index.html").is_file():
        raise SystemExit(f"{python}: the training wrote no page")
    kernels = [path for path in (home / ".cache" / "twinbar" / "kernels").rglob("*") if path.is_file()]
    if not kernels:
        raise SystemExit(f"{python}: no compiled kernel lies in the cache of the user who trained, {home / '.cache'}")
    strangers = [path for path in home.rglob("*") if user and path.owner() != user]
    if strangers:
        raise SystemExit(f"{python}: {strangers[0]} belongs to {strangers[0].owner()}; it must belong to {user}")
    version = _run([str(environment / "bin" / "python"), "--version"]).strip()
    print(
        f"{version}: installed in {training - installing:.0f} s; first accuracy {accuracy:.1%} and page, as "
        f"{user or f'this user ({why_not})'}, with empty caches, in {ended - training:.0f} s; "
        f"{len(kernels)} files of kernels in that user's cache",
        flush=True,
    )


def _found(command: str) -> str | None:
    """Return an interpreter that runs, if there is one: the first on the path that another user may run too, or else.

    A shim of a version manager may not run, and what it stands for may lie in a home that is closed to others.
    """
    places = [command] if os.sep in command else [os.path.join(folder, command) for folder in os.get_exec_path()]
    running = [place for place in places if _runs(place)]
    return next((place for place in running if _runs(place, **_rights_of(_nobody()))), running[0] if running else None)


def _runs(python: str | Path, **rights: object) -> bool:
    try:
        done = subprocess.run([python, "-c", "import ensurepip"], capture_output=True, check=False, cwd="/", **rights)  # type: ignore[call-overload]
    except OSError:
        return False
    return bool(done.returncode == 0)


def _other_user(python: Path) -> tuple[str | None, str]:
    """Return a user without rights, or None and why this process cannot act as one."""
    if _nobody() is None:
        return None, "only root can act as another one"
    if not _runs(python, **_rights_of(NOBODY)):
        return None, f"{NOBODY} may not run {python.resolve()}"
    return NOBODY, ""


def _nobody() -> str | None:
    return NOBODY if os.geteuid() == 0 else None


def _rights_of(user: str | None) -> dict[str, object]:
    """Return the arguments of `subprocess.run` with which a program has the rights of a user, and no others."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


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
