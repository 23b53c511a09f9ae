"""``twinbar bench``: measures the engines and training against their yardsticks."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table


def bench(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Threads; one per processor core by default.")
    ] = None,
) -> None:
    """Measure closed-loop writing, training, and PyTorch alone, in this run and on this machine."""
    from twinbar.host.bench.measure import run_bench
    from twinbar.host.experiment.progress_display import terminal_progress
    from twinbar.host.experiment.run_folder import json_text

    progress = terminal_progress()
    try:
        result = run_bench(progress, threads)
    finally:
        progress.close()
    if as_json:
        typer.echo(json_text(result), nl=False)
    else:
        _print(result, Console())


FIGURES = (
    ("writes_per_s", "closed-loop writes, one core", "cells/s"),
    ("kernel_cycles_per_s", "controller cycles accounted, one core", "cycles/s"),
    ("rtl_cycles_per_s", "cycles of the netlist of one tile, engine rtl", "cycles/s"),
    ("rtl_tile_cycles_per_s", "tile-cycles of the netlist of 16 tiles, engine rtl", "cycles/s"),
    ("pysim_cycles_per_s", "the same, engine pysim", "cycles/s"),
    ("events_phases_per_s", "phases of one tile, engine events", "phases/s"),
    ("fast_over_rtl", "fast against rtl", "times"),
    ("rtl_over_pysim", "rtl against pysim", "times"),
    ("four_tiles_over_one", "writes of four tiles against one", "times"),
    ("four_tiles_over_one_error", "its standard error", "times"),
    ("controller_overhead", "idle, decide and stall cycles of a write", "of all cycles"),
    ("controller_overhead_serial_parts", "the same behind serial parts", "of all cycles"),
    ("link_bytes_per_write", "write on a serial link, framing included", "bytes"),
    ("link_bytes_per_response", "its response", "bytes"),
    ("bytes_per_cell", "memory of the emulated array", "bytes/cell"),
    ("train_images_per_s", "training, batch 100", "images/s"),
    ("train_images_per_s_batch10", "training, batch 10", "images/s"),
    ("train_images_per_s_batch1", "training, batch 1", "images/s"),
    ("torch_images_per_s", "PyTorch alone, batch 100", "images/s"),
    ("torch_images_per_s_batch10", "PyTorch alone, batch 10", "images/s"),
    ("torch_images_per_s_batch1", "PyTorch alone, batch 1", "images/s"),
)


def _print(result: dict[str, Any], console: Console) -> None:
    table = Table(title="Measured in this run")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("unit")
    for key, words, unit in FIGURES:
        value = result[key]
        if value is None:
            continue
        table.add_row(
            words, f"{value:.3f}" if value < 1 else f"{value:,.4g}" if value < 1000 else f"{value:,.0f}", unit
        )
    console.print(table)
    for name, words in result["workload"].items():
        console.print(f"{name.replace('_', ' ')}: {words}", highlight=False)
