from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from twinbar.host.cli.report import report
from twinbar.hw.errors import ConfigError


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    app.command()(report)
    return app


def test_it_builds_the_page_and_says_where(tmp_path: Path, make_run: Callable, app: typer.Typer) -> None:
    make_run(tmp_path, "float", epochs=1)
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert result.exit_code == 0
    assert result.output.splitlines() == [f"Built {tmp_path / 'index.html'}"]
    assert (tmp_path / "index.html").exists()


def test_a_folder_that_is_none_is_a_configuration_error(tmp_path: Path, app: typer.Typer) -> None:
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert isinstance(result.exception, ConfigError)
    assert result.exception.exit_status == 2
