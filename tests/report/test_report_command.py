from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from twinbar.host.cli.report_command import report
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


def test_it_draws_other_formats_on_request(tmp_path: Path, make_run: Callable, app: typer.Typer) -> None:
    make_run(tmp_path, "float", epochs=1)
    assert CliRunner().invoke(app, [str(tmp_path), "--formats", "png, PDF"]).exit_code == 0
    assert {path.suffix for path in (tmp_path / "plots").iterdir()} == {".svg", ".csv", ".png", ".pdf"}


def test_a_format_that_is_none_is_refused_before_anything_is_drawn(
    tmp_path: Path, make_run: Callable, app: typer.Typer
) -> None:
    make_run(tmp_path, "float", epochs=1)
    result = CliRunner().invoke(app, [str(tmp_path), "--formats", "png,gif"])
    assert isinstance(result.exception, ConfigError)
    assert str(result.exception).startswith("--formats names gif; plots are drawn as SVG, and on request as png or pdf")
    assert not (tmp_path / "plots").exists()


def test_a_folder_that_is_none_is_a_configuration_error(tmp_path: Path, app: typer.Typer) -> None:
    result = CliRunner().invoke(app, [str(tmp_path)])
    assert isinstance(result.exception, ConfigError)
    assert result.exception.exit_status == 2
