"""What the array on the chip takes from the physics: its functions, for one cell model, as steps.

They are made from the source in `twinbar.emulator.devices.physics`, and have nothing in them that a device which the
array can compute does not do.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from twinbar.emulator.devices import layout as at
from twinbar.emulator.devices.symbolic import Called, LookupTables, Scalars, SourceRunner, Symbol, Table, as_symbol
from twinbar.hw.gateware.array.cell_functions import CellFunctions
from twinbar.hw.gateware.array.expressions import MASK, Builder, Function

_ROUTINES: Final = ("mix", "event_bits", "gauss")
_TILE_BITS: Final = 16
_CELL_BITS: Final = 16
_CHANNEL_BITS: Final = 16
_PULSE_BITS: Final = 32
_CONVERSION_BITS: Final = 48
_CODE_BITS: Final = 12
_TRIM_BITS: Final = 8
_GAIN_BITS: Final = 31
"""Bits of the functions' inputs."""


class _Source:
    """One function in the making."""

    def __init__(self, scalars: Scalars, tables: LookupTables, routines: Sequence[str]) -> None:
        deviates = next(section.entries for section in tables.sections if section.name == "gauss")
        called = {"mix": Called(0, MASK), "event_bits": Called(0, MASK), "gauss": Called(min(deviates), max(deviates))}
        self.builder = Builder()
        self.scalars, self.tables = scalars, tables
        self.seed = Symbol(self.builder.number(scalars.fields["seed"] & MASK), word=True)
        runner = SourceRunner(self.builder, {name: called[name] for name in routines})
        self.run, self.call = runner.run, runner.call

    def word(self, name: str) -> Symbol:
        """Return an input of 64 bits."""
        return Symbol(self.builder.bits(name, 64), word=True)

    def bits(self, name: str, bits: int) -> Symbol:
        """Return an input of fewer bits."""
        return Symbol(self.builder.bits(name, bits))

    def function(self, *results: Any) -> Function:
        """Return the function of these results."""
        return self.builder.function(*[as_symbol(self.builder, result).value for result in results])


def array_functions(scalars: Mapping[str, Any], tables: Sequence[int]) -> CellFunctions:
    """Make the functions of a cell model.

    Parameters
    ----------
    scalars : mapping
        The fields of `layout.SCALARS` by name.
    tables : sequence of int

    Raises
    ------
    UnsupportedExpression
        If the physics does something that the steps cannot say.
    """
    known, sections = Scalars(scalars), LookupTables(_sections(tables))

    def source(routines: Sequence[str] = _ROUTINES) -> _Source:
        return _Source(known, sections, routines)

    mix, draw, gauss, see = source(()), source(("mix",)), source(()), source()
    return CellFunctions(
        mix=mix.function(mix.run("mix", mix.word("x"))),
        event_bits=draw.function(draw.run("event_bits", draw.word("key"), draw.word("number"))),
        gauss=gauss.function(gauss.run("gauss", gauss.word("bits"), gauss.tables)),
        cell_key=_cell_key(source()),
        channel_key=_channel_key(source()),
        form=_form(source()),
        pulse=_pulse(source()),
        see=see.function(_see(see)),
        conversion_deviate=_conversion_deviate(source()),
        channel_gain=_channel_gain(source()),
        adc_offset=(_adc_offset(source(), 0), _adc_offset(source(), 1)),
    )


def _cell_key(source: _Source) -> Function:
    return source.function(
        source.run("cell_key", source.seed, source.bits("tile", _TILE_BITS), source.bits("cell", _CELL_BITS))
    )


def _channel_key(source: _Source) -> Function:
    return source.function(
        source.run("channel_key", source.seed, source.bits("tile", _TILE_BITS), source.bits("channel", _CHANNEL_BITS))
    )


def _conversion_deviate(source: _Source) -> Function:
    bits = source.run("draw", source.word("key"), at.DRAW_CONVERSION, source.bits("count", _CONVERSION_BITS))
    return source.function(source.call("gauss", (bits, source.tables)))


def _channel_gain(source: _Source) -> Function:
    tile, channel = source.bits("tile", _TILE_BITS), source.bits("channel", _CHANNEL_BITS)
    gain, trim = source.bits("gain", _GAIN_BITS), source.bits("trim", _TRIM_BITS)
    return source.function(
        source.run("channel_gain", gain, source.seed, tile, channel, trim, source.scalars, source.tables)
    )


def _adc_offset(source: _Source, pair: int) -> Function:
    tile, column = source.bits("tile", _TILE_BITS), source.bits("column", _CHANNEL_BITS)
    return source.function(source.run("adc_offset", source.seed, tile, column, pair, source.scalars, source.tables))


def _form(source: _Source) -> Function:
    run, scalars, tables, key = source.run, source.scalars, source.tables, source.word("key")
    fault = run("draw_fault", key, scalars)
    _, _, low, high, *_ = run("traits", key, scalars, tables)
    return source.function(run("initial_conductance", key, fault, low, high, tables), fault)


def _pulse(source: _Source) -> Function:
    builder, scalars, tables = source.builder, source.scalars, source.tables
    g = Symbol(builder.input("g", scalars.fields["g_min"], scalars.fields["g_max"]))
    key, count = source.word("key"), source.bits("count", _PULSE_BITS)
    resets = source.bits("resets", 1)
    polarity = Symbol(builder.select(resets.value, builder.number(at.RESET), builder.number(at.SET)))
    amplitude, gate = source.bits("amplitude", _CODE_BITS), source.bits("gate", _CODE_BITS)
    width = source.bits("width", _PULSE_BITS)
    cell = source.run("traits", key, scalars, tables)
    return source.function(
        source.run("apply_pulse", g, key, count, polarity, amplitude, gate, width, cell, scalars, tables)
    )


def _see(source: _Source) -> Any:
    scalars, tables = source.scalars, source.tables
    g = Symbol(source.builder.input("g", 0, (1 << 26) - 1))
    seen = source.run(
        "effective_conductance", g, source.word("key"), source.bits("count", _PULSE_BITS), 0, scalars, tables
    )
    return source.run("to_grid", seen, source.bits("distance", 16), scalars, tables)


def _sections(tables: Sequence[int]) -> list[Table]:
    """Return the tables by what they are for; one with the contents of another is that one."""
    sizes = (
        ("gauss", at.O_GAUSS, at.GAUSS_BINS),
        ("mean", at.O_MEAN, 2 * at.STEP_BINS),
        ("sigma", at.O_SIGMA, 2 * at.STEP_BINS),
        ("gate_cap", at.O_GATE_CAP, at.CODES),
        ("set_gain", at.O_GAIN, at.TRAIT_BINS),
        ("reset_gain", at.O_GAIN + at.TRAIT_BINS, at.TRAIT_BINS),
        ("initial", at.O_INITIAL, at.TRAIT_BINS),
    )
    made: list[Table] = []
    for name, start, size in sizes:
        entries = tuple(tables[start : start + size])
        equal = next((table.name for table in made if table.entries == entries), name)
        made.append(Table(equal, start, entries))
    # The microprogram computes a pulse where its amplitude is beyond the threshold, and there it has no part in it.
    for name, start in (("amplitude_mean", at.O_AMP_MEAN), ("amplitude_sigma", at.O_AMP_SIGMA)):
        made.append(Table(name, start, (at.Q12,) * 2 * at.CODES))
    return made
