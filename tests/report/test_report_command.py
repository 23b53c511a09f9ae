import re
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


def test_it_draws_plots_as_wide_as_a_journal_prints_them(tmp_path: Path, make_run: Callable, app: typer.Typer) -> None:
    make_run(tmp_path, "siamese", epochs=2)
    assert CliRunner().invoke(app, [str(tmp_path)]).exit_code == 0
    plots = tmp_path / "plots"
    page = {path.name: path.read_bytes() for path in [*plots.iterdir(), tmp_path / "index.html"]}
    assert CliRunner().invoke(app, [str(tmp_path), "--formats", "89mm,183mm"]).exit_code == 0
    # Nothing else changes: the page has the plots as they were.
    assert {name: (plots / name if name != "index.html" else tmp_path / name).read_bytes() for name in page} == page
    for name in [name for name in page if name.endswith(".svg")]:
        for width_mm in (89, 183):
            printed = f"{name.removesuffix('.svg')}-{width_mm}mm"
            head = (plots / f"{printed}.svg").read_text(encoding="utf-8")
            points = re.search(r'<svg [^>]*width="([\d.]+)pt"', head)
            assert points is not None
            assert float(points[1]) == pytest.approx(width_mm / 25.4 * 72, abs=0.01)
            # Of 9 points on the page, in SVG's pixels of a point.
            assert max(float(size) for size in re.findall(r"[: ]([\d.]+)px", head)) < 7.5
            assert re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", (plots / f"{printed}.pdf").read_bytes()) is not None
    # They are drawn again with the page.
    (plots / "accuracy-89mm.svg").write_text("")
    assert CliRunner().invoke(app, [str(tmp_path)]).exit_code == 0
    assert (plots / "accuracy-89mm.svg").stat().st_size > 1000


@pytest.mark.parametrize("name", ["59mm", "401mm", "0mm", "89", "89.5mm", "mm"])
def test_a_width_that_cannot_be_drawn_is_refused(
    tmp_path: Path, make_run: Callable, app: typer.Typer, name: str
) -> None:
    make_run(tmp_path, "float", epochs=1)
    result = CliRunner().invoke(app, [str(tmp_path), "--formats", name])
    assert str(result.exception).endswith("or in a width from 60mm to 400mm")


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
