"""``twinbar validate``: published figures beside those of the emulator."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def validate(
    only: Annotated[
        str, typer.Option(metavar="TEXT", help="Only anchors with this in their name or source.", show_default=False)
    ] = "",
    trainings: Annotated[bool, typer.Option(help="Run those for which a network is trained, on MNIST.")] = True,
    page: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the result as a page in Markdown.", show_default=False)
    ] = None,
    sensitivity: Annotated[
        bool,
        typer.Option(
            "--sensitivity",
            help="Instead of anchors, move each assumed value of the presets, and say what that changes; with --only, "
            "of presets with this in their name.",
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Compare published figures with the emulator's: noise, relaxation, energy, elimination.

    Each anchor has a source and a tolerance that was fixed before it was run; those that a preset was made from are
    marked, and do not count.
    """
    if sensitivity:
        _move_assumed_values(only, page, as_json)
        return
    from twinbar.host.experiment.progress_display import terminal_progress
    from twinbar.host.experiment.run_folder import json_text
    from twinbar.host.report.files import check_writable, write_text
    from twinbar.host.report.validation_tables import print_validation, validation_page
    from twinbar.host.validation.anchor import load_anchors
    from twinbar.host.validation.validation import validate as run_anchors

    if page is not None:
        check_writable(page)
    progress = terminal_progress()
    try:
        result = run_anchors(load_anchors(), progress, only=only, trainings=trainings)
    finally:
        progress.close()
    if as_json:
        typer.echo(json_text(result), nl=False)
    else:
        print_validation(result, Console())
    if page is not None:
        write_text(page, "\n".join(validation_page(result)) + "\n")


def _move_assumed_values(only: str, page: Path | None, as_json: bool) -> None:
    from twinbar.emulator.devices.preset import preset_names
    from twinbar.host.experiment.progress_display import terminal_progress
    from twinbar.host.experiment.run_folder import json_text
    from twinbar.host.report.files import check_writable, write_text
    from twinbar.host.report.sensitivity_tables import print_sensitivity, sensitivity_page
    from twinbar.host.validation.sensitivity import sensitivity
    from twinbar.hw.errors import ConfigError

    devices = [name for name in preset_names() if only in name]
    if not devices:
        raise ConfigError(f"no preset has {only!r} in its name; there are {', '.join(preset_names())}")
    if page is not None:
        check_writable(page)
    progress = terminal_progress()
    try:
        result = sensitivity(devices, progress)
    finally:
        progress.close()
    if as_json:
        typer.echo(json_text(result), nl=False)
    else:
        print_sensitivity(result, Console())
    if page is not None:
        write_text(page, "\n".join(sensitivity_page(result)) + "\n")
