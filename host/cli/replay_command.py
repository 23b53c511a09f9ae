"""``twinbar replay``: a recorded trace, run again on any engine."""

import json
from pathlib import Path
from typing import Annotated

import typer

from twinbar.hw.extras import need


def replay(
    trace: Annotated[
        Path, typer.Argument(metavar="RUN|TRACE", help="A run folder, its commands.parquet, or one part of it.")
    ],
    engine: Annotated[str, typer.Option(metavar="NAME", help="fast, events, rtl or pysim.")] = "events",
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable, on standard output.")] = False,
) -> None:
    """Run a recorded trace again, and compare every response and its cycle with what was recorded.

    The exit status is 1 if there is a difference.
    """
    need("pyarrow", "record", "replay")
    # PyArrow, PyTorch and Numba take seconds to import; help texts should not wait for them.
    from twinbar.emulator.engines.controllers import controller_maker
    from twinbar.host.experiment.config import ExperimentConfig
    from twinbar.host.experiment.progress_display import terminal_progress
    from twinbar.host.experiment.resolved_crossbar import build_crossbar
    from twinbar.host.trace.replay import Replay, replay_part
    from twinbar.host.trace.store import read_parts

    make = controller_maker(engine)
    result = Replay()
    progress = terminal_progress()
    try:
        for part in read_parts(trace):
            progress.start(len(part.rows), part.path.name, unit="commands")
            config = ExperimentConfig.from_toml_text(part.config, f"the configuration in {part.path}")
            replay_part(part, build_crossbar(config), make, result, progress.advance)
            if result.difference:
                break
    finally:
        progress.close()
    if as_json:
        typer.echo(json.dumps({"engine": engine, **vars(result)}, indent=1))
    else:
        typer.echo(
            f"{result.programs} programs with {result.commands} commands, {result.responses} responses and "
            f"{result.cycles} cycles are the same on {engine} as in the trace"
        )
        if result.difference:
            typer.echo(f"Then they differ. In {result.difference}", err=True)
    if result.difference:
        raise typer.Exit(1)
