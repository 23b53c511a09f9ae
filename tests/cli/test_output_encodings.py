"""What the command line writes can be read wherever it goes: other encodings, no terminal, no stream, no home."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from twinbar.host.cli.printable import closest_ascii, make_printable
from twinbar.hw.user_cache import writable_folder

TRAIN = ["train", "--data", "digits", "--limit", "64", "--hidden", "8", "--epochs", "1", "--out", "run"]


def run(folder: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the command line in a process of its own, in a folder."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONUTF8", "PYTHONIOENCODING")}
    return subprocess.run(
        [sys.executable, "-c", "from twinbar.host.cli import main; main()", *arguments],
        cwd=folder,
        env={**kept, **environment},
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("5 µS, 3 Ω", "5 uS, 3 Ohm"),
        ("┏━┳━┓┃│└┴╯", "+-+-+||+++"),
        ("• median ░ band █", "* median . band #"),
        ("–, ±1, ≤ 2 × 3", "-, +-1, <= 2 x 3"),
        ("Zürich naïve ½", "Zurich naive 1/2"),
        ("漢\udcff", "??"),
    ],
)
def test_what_comes_closest_in_ascii(text: str, written: str) -> None:
    assert "".join(character if character.isascii() else closest_ascii(character) for character in text) == written


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", b"1 uS - 2 uS"), ("cp1252", b"1 \xb5S \x96 2 \xb5S"), ("utf-8", "1 µS – 2 µS".encode())],
)
def test_a_stream_keeps_the_characters_that_it_has(encoding: str, written: bytes) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    make_printable(stream, None)
    stream.write("1 µS – 2 µS")
    stream.flush()
    assert raw.getvalue() == written


def test_a_training_ends_well_in_an_ascii_locale(tmp_path: Path) -> None:
    done = run(tmp_path, *TRAIN, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode("ascii")
    assert "Accuracy, crossbar" in text
    assert "?" not in text
    assert "Results: run" in text
    page = (tmp_path / "run" / "index.html").read_text(encoding="utf-8")
    assert "µ" in page


@pytest.mark.parametrize(
    ("encoding", "legend"),
    [("ascii", b"median * and 10 to 90 % . of 3 cells"), ("cp1252", b"median \x95 and 10 to 90 % . of 3 cells")],
)
def test_a_staircase_is_drawn_in_any_encoding(tmp_path: Path, encoding: str, legend: bytes) -> None:
    done = run(tmp_path, "device", "show", "ideal", "--cells", "3", PYTHONIOENCODING=encoding)
    assert done.returncode == 0, done.stderr
    assert legend in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="needs a shell that closes streams")
def test_closed_streams_are_no_error(tmp_path: Path) -> None:
    code = "from twinbar.host.cli import main; main(['device', 'list'])"
    closed = subprocess.run(["sh", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, code], cwd=tmp_path)
    assert closed.returncode == 0


def test_where_nothing_can_be_kept_a_training_warns_and_goes_on(tmp_path: Path) -> None:
    # A file in place of the home: even root can make no folder there.
    (tmp_path / "home").write_text("")
    kept = dict.fromkeys(("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "NUMBA_CACHE_DIR", "MPLCONFIGDIR"), "")
    done = run(tmp_path, "device", "show", "ideal", "--cells", "3", HOME=str(tmp_path / "home"), **kept)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(b"warning: compiled kernels cannot be kept in ") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"home"}


def test_without_a_home_no_folder_is_called_tilde(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = writable_folder(Path("~/.cache/twinbar/kernels"), "compiled kernels")
    assert folder.is_dir()
    assert folder.is_absolute()
    assert list(tmp_path.iterdir()) == []
    assert "(there is no home folder)" in capsys.readouterr().err


def test_a_backend_of_matplotlib_that_is_not_there_is_none_of_its_business(tmp_path: Path) -> None:
    done = run(tmp_path, "device", "show", "ideal", "--plot", "staircase.svg", MPLBACKEND="module://not_installed")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "staircase.svg").read_text(encoding="utf-8").startswith("<?xml")
