"""Writes the generated parts of README.md and docs/: what the code and its data files already say.

A page marks such a part with ``<!-- generated: NAME -->`` and ``<!-- end of NAME -->``; NAME is a key of `PARTS`. Run
``make docs`` after a change of a configuration key, preset, energy table, action or serial part; a test says when it
was forgotten. Measured figures are read from docs/figures, where ``make figures`` writes them.
"""

import ast
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

import pyarrow as pa
from figures import tables

from twinbar.boards.analog.front_end_figures import find_figures
from twinbar.emulator.crossbar.cell_energy import CellEnergy
from twinbar.emulator.devices.preset import load_preset, preset_names
from twinbar.emulator.ledger.energy_table import EnergyTable, energy_table_names, load_energy_table
from twinbar.emulator.ledger.ledger import ACCOUNTS, CELL_ENTRIES, ENTRIES, PUMP
from twinbar.emulator.ledger.table_entries import ENERGY_UNITS, Sourced
from twinbar.emulator.sections import config_errors
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.host.cli.options import FLAGS
from twinbar.host.experiment.config import CompareConfig, ExperimentConfig
from twinbar.host.experiment.reproduction_config import ReproductionConfig
from twinbar.host.experiment.sweep_config import SweepConfig
from twinbar.host.report import si
from twinbar.host.trace.rows import SCHEMA
from twinbar.hw.actions import Action
from twinbar.hw.export.address_map import bus_page
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts import known_parts
from twinbar.hw.timing import Phase, Timing, add_load, add_multiply, driven_cycles
from twinbar.hw.verilog import ports

sys.path.insert(0, str(Path(__file__).resolve().parent))

import verification_report

ROOT: Final = Path(__file__).resolve().parent.parent
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
EXAMPLE: Final = ROOT / "examples" / "own_network.py"
REFERENCE_ADC_BITS: Final = 8
REFERENCE_INPUT_BITS: Final = 4

_READ_V: Final = 0.2
"""What the table of the front end's ranges is for."""
_PART: Final = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end of (?P=name) -->)", re.DOTALL)


def fill(page: str) -> str:
    """Return the text of a page with its generated parts as they are now."""
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part['name']]()}\n{part[3]}", page)


def parts_of(page: str) -> list[str]:
    """List the generated parts of a page."""
    return [part["name"] for part in _PART.finditer(page)]


def configuration() -> str:
    """Describe every key of the configuration, section by section."""
    flags = {flag.key: f"--{flag.option}" for flag in FLAGS}
    blocks = []
    for name, section_field in ExperimentConfig.layout().model_fields.items():
        section = section_field.annotation
        assert isinstance(section, type)
        rows = []
        for key, field in section.model_fields.items():  # type: ignore[attr-defined]
            path = f"{name}.{key}"
            option = f"`{flags[path]}`" if path in flags else ""
            rows.append(
                (f"`{key}`", _code(field.default), option, _accepted(section, key), _sentence(field.description))
            )
        blocks += [f"## `[{name}]`", "", " ".join((section.__doc__ or "").split()), ""]
        blocks += [_table(("key", "default", "option", "accepts", "meaning"), rows), ""]
    policies = CompareConfig.model_fields["policies"]
    blocks += [
        "## `twinbar compare`",
        "",
        f"A comparison has one more key, `policies` (`--policies`, default {_code(policies.default)}): "
        f"{policies.description}. It stands before the first section; `policy.name` is each of them in turn.",
        "",
        "## `twinbar reproduce`",
        "",
        "Keys that stand before the first section, and defaults of its own: "
        f"`data.name` is {_code(ReproductionConfig().data.name)}, `training.epochs` "
        f"{ReproductionConfig().training.epochs}.",
        "",
    ]
    blocks += [_own_keys(ReproductionConfig, flags), ""]
    blocks += [
        "## `twinbar sweep`",
        "",
        "Keys that stand before the first section.",
        "",
        _own_keys(SweepConfig, flags),
        "",
    ]
    return "\n".join(blocks)


def _own_keys(kind: type[ExperimentConfig], flags: Mapping[str, str]) -> str:
    rows = []
    for key in kind.model_fields.keys() - ExperimentConfig.model_fields.keys():
        field = kind.model_fields[key]
        option = f"`{flags[key]}`" if key in flags else ""
        rows.append((f"`{key}`", _code(field.default), option, _sentence(field.description)))
    return _table(("key", "default", "option", "meaning"), sorted(rows))


def presets() -> str:
    """List the built-in device presets."""
    rows = []
    for name in preset_names():
        preset = load_preset(name)
        origins = Counter(quantity.certainty for _, quantity in preset.quantities())
        effects = [
            word
            for word, part in (
                ("relaxation", preset.relaxation),
                ("drift", preset.drift),
                ("write noise", preset.write_noise),
                ("faults", preset.faults),
                ("gate limit", preset.gate),
            )
            if part is not None
        ]
        rows.append(
            (
                f"`{name}`",
                preset.title,
                f"{preset.window.g_min} to {preset.window.g_max}",
                preset.response.kind,
                preset.write.algorithm,
                ", ".join(effects),
                f"{origins['published']} / {origins['derived']} / {origins['assumed']}",
            )
        )
    heads = ("name", "cell", "window", "response", "write", "further effects", "published / derived / assumed values")
    return _table(heads, rows) + "\n"


def actions() -> str:
    """List the countable actions with account, component, and energy in each table."""
    tables = [load_energy_table(name) for name in energy_table_names()]
    rows = []
    for action, (account, component) in ENTRIES.items():
        rows.append(
            (
                f"`{action.name.lower()}`",
                account,
                f"`{component}`",
                *(_action_energy(table, action) for table in tables),
            )
        )
    for cell in CellEnergy:
        account, component = CELL_ENTRIES[cell]
        rows.append(
            (f"heat in cells, {cell.name.lower()}", account, f"`{component}`", *("from the preset" for _ in tables))
        )
    rows.append(("loss of the charge pump", PUMP[0], f"`{PUMP[1]}`", *map(_pump, tables)))
    return _table(("action", "account", "component", *(f"`{table.name}`" for table in tables)), rows) + "\n"


def energy_tables() -> str:
    """List the built-in energy tables with their static powers."""
    rows = []
    for name in energy_table_names():
        table = load_energy_table(name)
        powers = "; ".join(
            f"{entry.component.replace('_', ' ')}{'' if entry.state == 'always' else f' ({entry.state})'} "
            f"{entry.value:g} {entry.unit}"
            + {"system": "", "tile": " per tile", "channel": " per ADC channel"}[entry.per]
            for entry in table.static_power
        )
        rows.append(
            (f"`{name}`", " ".join(table.description.split()), f"{table.clock.value:g} {table.clock.unit}", powers)
        )
    return _table(("name", "what it stands for", "clock", "static power"), rows) + "\n"


def areas() -> str:
    """List the areas of the energy tables that stand for a chip, with an 8-bit converter."""
    tables = [table for name in energy_table_names() if (table := load_energy_table(name)).area]
    owners = {"system": "once", "tile": "tile", "channel": "ADC channel", "line": "row and column", "cell": "cell"}
    rows = []
    for component in dict.fromkeys(entry.component for table in tables for entry in table.area):
        found = [next((entry for entry in table.area if entry.component == component), None) for table in tables]
        (per,) = {owners[entry.per] for entry in found if entry is not None}
        values = [
            "" if entry is None else f"{si.ratio(entry.mm2(REFERENCE_ADC_BITS) * 1e6)} um² ({_spread(entry)})"
            for entry in found
        ]
        rows.append((component.replace("_", " "), per, *values))
    return _table(("component", "per", *(f"`{table.name}`" for table in tables)), rows) + "\n"


def accounts() -> str:
    """List the accounts of energy with their components."""
    rows = []
    for account in ACCOUNTS:
        priced = (*CELL_ENTRIES.values(), *ENTRIES.values(), PUMP)
        entered = [component for spent, component in priced if spent == account]
        names = dict.fromkeys([*entered, *(["static_<component>"] if account == "static" else [])])
        rows.append((f"`{account}`", ", ".join(f"`{name}`" for name in names)))
    return _table(("account", "components"), rows) + "\n"


def timing() -> str:
    """List the durations of the controller with their defaults."""
    defaults = Timing()
    names = ("select", "settle_read", "settle_drive", "settle_multiply", "convert", "samples", "recover")
    return _table(("duration", "default, cycles"), [(f"`{name}`", getattr(defaults, name)) for name in names]) + "\n"


def forward_costs() -> str:
    """List what one input vector costs on a full tile, for every way to drive rows and read pairs."""
    rows = []
    durations = Timing()
    record = durations.record()
    for inputs in get_args(ArrayConfig.model_fields["inputs"].annotation):
        for pairs in get_args(ArrayConfig.model_fields["pairs"].annotation):
            array = ArrayConfig(input_bits=REFERENCE_INPUT_BITS, inputs=inputs, pairs=pairs)
            steps = array.planes
            phases = [0] * len(Phase)
            add_load(phases, array.controller(1).words)
            add_multiply(phases, record, steps, steps * array.outputs, array.outputs)
            # Without a sample-and-hold, rows of the last step also wait while its results are handed over, but the
            # last.
            driven = [
                steps * driven_cycles(record, conversions) + max(conversions - 1, 0)
                for conversions in (0, array.outputs)
            ]
            rows.append((f"`{inputs}`", f"`{pairs}`", steps, steps * array.outputs, sum(phases), *driven))
    heads = ("`inputs`", "`pairs`", "steps", "conversions", "cycles", "rows driven, sample-and-hold", "without")
    return _table(heads, rows) + "\n"


def example() -> str:
    """Show the training function of the example, its signature and docstring left out."""
    source = EXAMPLE.read_text(encoding="utf-8")
    function = next(
        node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "train"
    )
    # Without the docstring and the return statement.
    first, last = function.body[1], function.body[-2]
    lines = source.splitlines()[first.lineno - 1 : last.end_lineno]
    return "```python\n" + textwrap.dedent("\n".join(lines)) + "\n```\n"


def verilog_ports() -> str:
    """List the ports of an exported controller, with what the front end's page says of its pins."""
    rows = [
        (f"`{port.name}`", port.direction, f"{port.bits}{', signed' if port.signed else ''}", _port_meaning(port.name))
        for port in ports(ControllerConfig(tiles=1, adc_channels=2))
    ]
    return _table(("port", "direction", "bits", ""), rows)


_STREAM_MEANING: Final = {
    "clk": "clock",
    "rst": "synchronous reset",
    "commands__payload": "command beat",
    "commands__valid": "a command is presented",
    "commands__ready": "it is accepted in this cycle, if it is valid",
    "responses__payload": "response beat",
    "responses__valid": "a response is offered",
    "responses__ready": "the consumer takes it in this cycle, if it is valid",
    "stop": "asynchronous: halts and disarms all tiles while it is high",
    "phases": "phase of the tile in this cycle, for observation (`twinbar.hw.timing.Phase`)",
    "busy": "a command is presented, a queue holds a beat, or a tile works; for observation",
}
_PIN_MEANING: Final = {
    "convert": "first cycle of a conversion",
    "selection": "what is connected (`Selection` in [protocol](protocol.md))",
    "row": "row of the selected cell",
    "column": "its column, or the first output of the group that is converted",
    "plane": "bit plane of the inputs that drives the rows",
    "subtract": "outputs are subtracted pairs of columns",
    "record": "bias record that is driven",
    "codes": "codes of bit line (bits 0 to 11), source line (12 to 23) and word line (24 to 35)",
    "compliance_code": "code of the current limit",
    "update": "first cycle of new codes",
    "range": "ADC range code",
    "trim": "gain trim of the channel",
    "row_load": "a word of the row registers is written",
    "row_clear": "all others are cleared",
    "row_word": "number of the word",
    "row_bits": "inputs of neighbouring rows, the lowest row in the lowest bits",
    "write_gate": "the pulse: high for its cycles",
    "read_enable": "the read path is connected",
    "channels": "ADC channels that convert; with `read_enable`, those that must be on",
    "code": "code of the channel, at the end of the conversion's last cycle",
    "compliance": "asynchronous: the current has reached its limit",
    "fault": "asynchronous: the front end cannot go on",
}


def _port_meaning(name: str) -> str:
    first, *rest = name.split("__")
    if first == "tiles":
        return _PIN_MEANING[rest[1]]
    return _STREAM_MEANING[name] if name in _STREAM_MEANING else _STREAM_MEANING[first]


def bus_registers() -> str:
    """List the registers that a memory-mapped bus has beside those of the tiles."""
    beside_streams = {each.name for each in bus_page(mailbox=False)}
    rows = []
    for register in bus_page(mailbox=True):
        places = (
            f"`{each.name}` {each.offset}..{each.offset + each.bits - 1}: {each.about}" for each in register.fields
        )
        access = "read and write" if register.writable else "read"
        where = "" if register.name in beside_streams else "Wishbone only"
        rows.append((f"`{register.offset:#04x}`", f"`{register.name}`", access, "; ".join(places), where))
    return _table(("offset", "register", "access", "fields, by bits", ""), rows)


def front_end_ranges() -> str:
    """Tabulate the ranges of the reference front end, as simulated, for codes of 8 bits."""
    figures = find_figures("front_end")
    scale = figures.scale(_READ_V, 3.0)
    heads = ("range", "feedback", "V/A", "pedestal", "per code", "most", "in series", "at rest after")
    rows = [
        (
            number,
            f"{each.feedback_ohm / 1e3:g} kΩ, {each.feedback_f * 1e12:g} pF",
            f"{each.transimpedance_ohm:,.0f}",
            f"{each.offset_v * 1e3:.1f} mV",
            f"{scale.siemens_per_code(number, 8) * 1e9:,.0f} nS",
            f"{scale.most_s(number) * 1e6:,.1f} µS",
            f"{each.series_ohm:.1f} Ω",
            f"{each.settle_us:.2f} µs",
        )
        for number, each in enumerate(figures.reading.ranges)
    ]
    return _table(heads, rows)


def front_end_figures() -> str:
    """Tabulate the other figures of the reference front end, as simulated."""
    figures = find_figures("front_end")
    write, limit, lock = figures.writing, figures.limiter, figures.interlock
    rows = (
        ("write drives: from a step of a DAC to 1/512 of 5 V", f"{write.drive_settle_us:.2f} µs"),
        (
            "SET of 3 V and 1 µs at a cell of 100 µS: at its end, rise, fall",
            f"{write.set_v:.2f} V, {write.set_rise_ns:.0f} ns, {write.fall_ns:.0f} ns",
        ),
        ("RESET, the same", f"{write.reset_v:.2f} V, {write.reset_rise_ns:.0f} ns, {write.fall_ns:.0f} ns"),
        ("word line there, or below 0.4 V", f"{write.word_line_settle_us:.2f} µs"),
        ("limit of code c (of 255)", f"{limit.offset_a * 1e6:.1f} µA + c x {limit.ampere_per_code * 1e6:.3f} µA"),
        ("a cell that sets from 5 µS to 2 mS at 3 V, code 51: current in the end", f"{limit.trip_a * 1e6:.0f} µA"),
        ("from that until `compliance` is high", f"{limit.trip_delay_ns:.0f} ns"),
        ("charge above the limit meanwhile", f"{limit.overshoot_c * 1e9:.2f} nC"),
        (
            "most at a cell while supplies come in three orders, or one has gone: without the relay",
            f"{lock.without_relay_v * 1e3:.2f} mV",
        ),
        ("the orders with the relay", f"{lock.with_relay_v * 1e9:.0f} nV"),
        ("`read_enable` and `write_gate` both high, read at 0.2 V", f"{lock.read_and_gate_v:.3f} V"),
        ("from the stop until less than 0.1 V of a pulse is left", f"{lock.stop_ns:.0f} ns"),
    )
    return _table(("figure", "simulated"), rows)


def trace_columns() -> str:
    """List the columns of a trace."""
    rows = []
    for field in SCHEMA:
        kind = "text" if pa.types.is_dictionary(field.type) else str(field.type).replace("item: ", "")
        rows.append((f"`{field.name}`", kind, field.metadata[b"about"].decode()))
    return _table(("column", "type", ""), rows)


PARTS: Final[dict[str, Callable[[], str]]] = {
    "configuration": configuration,
    "presets": presets,
    "actions": actions,
    "energy-tables": energy_tables,
    "accounts": accounts,
    "areas": areas,
    "timing": timing,
    "forward-costs": forward_costs,
    "example": example,
    "verilog-ports": verilog_ports,
    "bus-registers": bus_registers,
    "trace-columns": trace_columns,
    "front-end-ranges": front_end_ranges,
    "front-end-figures": front_end_figures,
    "part-limits": known_parts.limits_table,
    "part-sources": known_parts.sources_table,
    "part-cycles": known_parts.cycles_table,
    **verification_report.PARTS,
    "readme-figures": tables.readme_figures,
    "readme-energy": tables.readme_energy,
    "bench-figures": tables.bench_figures,
    "mnist-epochs": tables.mnist_epochs,
    "mnist-epochs-deeper": partial(tables.mnist_epochs, "mnist-epochs-deeper"),
    "hysteresis": tables.hysteresis,
    "mnist-policies": tables.mnist_policies,
    "twin-and-whole": tables.twin_and_whole,
    "area-and-clock": tables.area_and_clock,
    "layer-chains": tables.layer_chains,
}
"""Makers of the generated parts."""


def _action_energy(table: EnergyTable, action: Action) -> str:
    """Return an energy at the reference resolutions, in the unit of the table, with its uncertainty and certainty."""
    entry = table.actions[action.name.lower()]
    value = table.energy_j(action, REFERENCE_ADC_BITS, REFERENCE_INPUT_BITS) / ENERGY_UNITS[entry.unit]
    line = "" if entry.line is None else f", by {entry.line.voltage}"
    return f"{value:.3g} {entry.unit} ({_spread(entry)}{line})"


def _pump(table: EnergyTable) -> str:
    """Return what a table says of voltages above its supply."""
    supply = table.supply
    if supply is None:
        return "none"
    return f"above {supply.value:g} V, {100 * (1 / supply.pump_efficiency - 1):.0f}% of the energy ({_spread(supply)})"


def _spread(entry: Sourced) -> str:
    spread = f"×/÷ {entry.factor:g}" if entry.factor is not None else f"± {entry.uncertainty:.0%}"
    return f"{spread}, {entry.certainty}"


def _accepted(section: type[Any], key: str) -> str:
    schema: dict[str, Any] = section.model_json_schema()["properties"][key]
    return config_errors._phrase(schema)


def _code(value: Any) -> str:
    return f"`{config_errors.show(value)}`"


def _sentence(text: str | None) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Write a Markdown table."""

    def line(cells: Iterable[object]) -> str:
        return "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in cells) + " |"

    heads = tuple(heads)
    return "\n".join([line(heads), line("---" for _ in heads), *map(line, rows)])


def main() -> None:
    """Write the pages whose generated parts have changed, and name them."""
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        current = fill(page)
        if current != page:
            path.write_text(current, encoding="utf-8")
            sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
