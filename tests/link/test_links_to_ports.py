"""Symbolic links to pseudo-terminals: what a killed board leaves is replaced; what is somebody else's is not."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from twinbar.host.transport.endpoint import PtyEndpoint
from twinbar.host.transport.open_line import open_line
from twinbar.hw.errors import ConfigError, LinkError

GONE = "/dev/pts/no-such-terminal"


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "board"


@pytest.fixture
def board(link: Path) -> Iterator[PtyEndpoint]:
    with closing(PtyEndpoint(link)) as endpoint:
        yield endpoint


def test_the_link_of_a_running_board_stays_its_own(board: PtyEndpoint, link: Path) -> None:
    terminal = os.readlink(link)
    with pytest.raises(ConfigError, match=f"{link} leads to {terminal}, which may be another virtual board; end that"):
        PtyEndpoint(link)
    assert os.readlink(link) == terminal
    open_line(board.name, 2_000_000).close()


def test_a_board_removes_its_own_link_only(link: Path) -> None:
    board = PtyEndpoint(link)
    link.unlink()
    with closing(PtyEndpoint(link)) as other:
        board.close()
        open_line(other.name, 2_000_000).close()
    assert not link.is_symlink()


def test_a_link_that_a_killed_board_left_is_replaced(link: Path) -> None:
    link.symlink_to(GONE)
    with closing(PtyEndpoint(link)) as board:
        open_line(board.name, 2_000_000).close()
    assert not link.is_symlink()


def test_a_host_is_told_what_such_a_link_leads_to(link: Path) -> None:
    link.symlink_to(GONE)
    with pytest.raises(
        LinkError, match=f"{link} cannot be opened .*: it leads to {GONE}, which is gone; start the virtu"
    ):
        open_line(str(link), 2_000_000)


def test_a_link_to_a_file_is_left(link: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("kept")
    link.symlink_to(mine)
    with pytest.raises(ConfigError, match=f"{link} leads to {mine}, which may be another virtual board"):
        PtyEndpoint(link)
    assert link.read_text() == "kept"
