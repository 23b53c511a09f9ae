"""The controllers and crossbars on which engines are compared: few, because some engines compile each of them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

from twinbar.emulator.crossbar.configuration import CrossbarConfig, build_config
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.emulator.sections.timing_section import TimingConfig
from twinbar.emulator.verify.assemblies import OCTAL, SEPARATE, TEACHING, TWO_WIRES, WALKING, assembly_with
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.parts.known_parts import Part, catalogue

_SHARED: Final = ("rows", "columns", "adc_channels", "adc_bits", "input_bits")
STRONG_READS: Final = str(Path(__file__).with_name("strong_reads.toml"))
"""Reads that move cells within a short program."""
PULSE_CYCLES: Final = 5
"""Cycles of the shorter of a preset's two pulses: the clock is chosen so that programs are short."""


@dataclass(frozen=True)
class Elaboration:
    """A controller with its crossbar.

    Parameters
    ----------
    name : str
    controller : ControllerConfig
    preset : str
    array : tuple of (str, value)
        Keys of the section ``[array]`` beyond what the controller fixes.
    variation : bool
        Whether cells differ from one another and may be faulty.
    parts : SerialParts, optional
        Of the front ends, for whatever clock; None: they are direct.
    effects : tuple of str
        Beside those of the preset.
    """

    name: str
    controller: ControllerConfig
    preset: str
    array: tuple[tuple[str, Any], ...] = ()
    variation: bool = True
    parts: SerialParts | None = None
    effects: tuple[str, ...] = ()

    @property
    def config(self) -> CrossbarConfig:
        """The crossbar's configuration."""
        return _build(self)


@cache
def _build(elaboration: Elaboration) -> CrossbarConfig:
    controller, parts = elaboration.controller, elaboration.parts
    preset = load_preset(elaboration.preset)
    clock_hz = PULSE_CYCLES / min(preset.pulse.set_width.si, preset.pulse.reset_width.si)
    keys = dict(elaboration.array)
    if parts is not None:
        parts = replace(parts, clock_hz=clock_hz)
        keys |= {"inputs": "planes", "pairs": "subtract" if parts.pairs else "separate"}
    return build_config(
        preset,
        DeviceConfig(
            levels=min(8, 1 << controller.adc_bits - 1), variation=elaboration.variation, effects=elaboration.effects
        ),
        ArrayConfig(**{name: getattr(controller, name) for name in _SHARED}, **keys),
        TimingConfig(clock_hz=clock_hz),
        seed=1,
        parts=parts,
    )


def _elaboration(
    name: str,
    preset: str,
    controller: dict[str, Any],
    parts: SerialParts | None = None,
    *,
    variation: bool = True,
    effects: tuple[str, ...] = (),
    **array: Any,
) -> Elaboration:
    return Elaboration(name, ControllerConfig(**controller), preset, tuple(array.items()), variation, parts, effects)


def _shape(tiles: int, rows: int, columns: int, channels: int, adc: int, inputs: int, **more: Any) -> dict[str, Any]:
    shape = {"tiles": tiles, "rows": rows, "columns": columns, "adc_channels": channels}
    return {**shape, "adc_bits": adc, "input_bits": inputs, **more}


ELABORATIONS: Final = {
    elaboration.name: elaboration
    for elaboration in (
        _elaboration("plain", "taox-hfox", _shape(1, 4, 4, 1, 6, 3, command_depth=4, response_depth=4)),
        # Three words of row registers, the last one not full; conversions that need calibration; cells that age.
        _elaboration(
            "uncalibrated",
            "ibm-pcm",
            _shape(1, 20, 6, 1, 8, 4, response_depth=2),
            adc_offset_codes=3.0,
            adc_gain_error=0.05,
            sample_and_hold=False,
            tick_s=0.5,
        ),
        _elaboration("channels", "milo-hfo2", _shape(1, 5, 16, 8, 10, 2, command_depth=2), adc_noise_codes=0.0),
        # Gates that limit the conductance; a ramp, or entries of the pulse table.
        _elaboration(
            "gated", "umass-hfo2", _shape(1, 3, 4, 1, 7, 2, command_depth=4, pulse_entries=32), adc_offset_codes=2.0
        ),
        _elaboration(
            "coarse",
            "ideal",
            _shape(1, 3, 4, 2, 3, 1, command_depth=3, response_depth=3, dac_bits=10),
            variation=False,
            adc_noise_codes=1.0,
        ),
        _elaboration(
            "pair",
            "umass-hfo2",
            _shape(2, 6, 8, 2, 7, 5, command_depth=5, response_depth=6),
            adc_gain_error=0.04,
            sample_and_hold=False,
        ),
        _elaboration(
            "wires",
            "neurram",
            _shape(2, 4, 4, 1, 12, 8, command_depth=8, safe_codes=(1, 2, 3)),
            effects=("threshold-spread", "heavy-tails", "worn-hfo2", "sinh-current"),
            wire_resistance_ohm=20.0,
            grid_bits=12,
        ),
        _elaboration(
            "compared",
            "taox-hfox",
            _shape(2, 4, 4, 2, 6, 2, command_depth=4, response_depth=4, pulse_entries=16, compare=True),
            adc_offset_codes=2.0,
            adc_gain_error=0.03,
        ),
        # Pulses whose response scales with their width, in a passive array.
        _elaboration(
            "widths",
            "hzo-fefet",
            _shape(2, 9, 4, 2, 6, 2, command_depth=2, response_depth=2),
            bias_scheme="third",
        ),
        _elaboration(
            "packed",
            "taox-hfox",
            _shape(2, 4, 12, 2, 8, 4, command_depth=4, response_depth=2, shared_inputs=True, outputs_per_beat=2),
            sample_and_hold=False,
        ),
        _elaboration(
            "ageing",
            "ibm-cmo-hfox",
            _shape(3, 4, 4, 1, 6, 3, command_depth=3, response_depth=5),
            effects=("random-telegraph", "heavy-tails"),
            adc_offset_codes=1.0,
        ),
        _elaboration(
            "groups",
            "taox-tio2",
            _shape(3, 5, 8, 4, 8, 4, command_depth=6, response_depth=2, safe_codes=(0, 0, 4095)),
            adc_gain_error=0.02,
        ),
        _elaboration(
            "narrow",
            "stellar",
            _shape(3, 2, 2, 1, 5, 6, command_depth=2, response_depth=3),
            effects=(STRONG_READS,),
        ),
        _elaboration(
            "cascade",
            "taox-hfox",
            _shape(3, 5, 6, 1, 6, 3, command_depth=4, response_depth=2, cascade=True),
            sample_and_hold=False,
        ),
        # Sums of one tile at a time become inputs of others; two fields of a word are left over.
        _elaboration(
            "chain",
            "taox-hfox",
            _shape(3, 20, 12, 2, 6, 3, command_depth=3, response_depth=2, shared_inputs=True, chain=True),
            adc_offset_codes=1.0,
        ),
        # A passive array, whose reads move cells.
        _elaboration(
            "queues",
            "vteam",
            _shape(4, 4, 4, 2, 6, 2, command_depth=2, response_depth=2),
            effects=("threshold-spread", STRONG_READS),
            bias_scheme="half",
        ),
        _elaboration(
            "together",
            "taox-hfox",
            _shape(4, 4, 8, 2, 6, 2, command_depth=3, cascade=True, shared_inputs=True, outputs_per_beat=3),
            adc_offset_codes=1.0,
            sample_and_hold=False,
        ),
        _elaboration(
            "network",
            "taox-hfox",
            _shape(
                *(4, 8, 8, 1, 6, 5),
                command_depth=4,
                cascade=True,
                shared_inputs=True,
                outputs_per_beat=2,
                chain=True,
            ),
            sample_and_hold=False,
        ),
        _elaboration(
            "many", "alox-hfo2", _shape(4, 3, 6, 1, 9, 4), adc_offset_codes=10.0, adc_gain_error=0.03, grid_bits=8
        ),
    )
}
"""Elaborations with direct front ends by name, ascending in tiles."""

_WRITTEN: Final = {
    elaboration.name: elaboration
    for elaboration in (
        _elaboration("octal", "milo-hfo2", _shape(1, 10, 12, 2, 8, 3, safe_codes=(1, 0, 2)), OCTAL),
        _elaboration(
            "walking",
            "umass-hfo2",
            _shape(1, 5, 16, 8, 9, 2, command_depth=4),
            WALKING,
            adc_offset_codes=2.0,
            adc_gain_error=0.03,
            sample_and_hold=False,
        ),
        _elaboration(
            "teaching",
            "neurram",
            _shape(2, 8, 8, 1, 7, 4, command_depth=3, response_depth=3, dac_bits=10),
            TEACHING,
            adc_offset_codes=3.0,
            sample_and_hold=False,
        ),
        _elaboration("two-wires", "milo-hfo2", _shape(1, 4, 6, 1, 8, 2, command_depth=4), TWO_WIRES),
        _elaboration(
            "separate", "ibm-cmo-hfox", _shape(2, 9, 8, 4, 10, 2, response_depth=2, pulse_entries=16), SEPARATE
        ),
    )
}


def serial_elaborations(known: Iterable[Part]) -> dict[str, Elaboration]:
    """Return elaborations that together hold all these parts: those above, and one for each part that they lack."""
    held = {part.name for each in _WRITTEN.values() if (of := each.parts) for part in (of.dac, of.adc, of.switch)}
    made = {}
    for part in known:
        if part.name not in held:
            parts = assembly_with(part)
            shape = _shape(1, 6, 8, 2, min(8, parts.adc.bits), 2)
            made[part.name] = _elaboration(part.name, "milo-hfo2", shape, parts)
    return _WRITTEN | made


SERIAL: Final = serial_elaborations(catalogue())
"""Elaborations with serial parts by name; every part is in one of them."""


def find_elaboration(name: str) -> Elaboration:
    """Return an elaboration by its name."""
    return (ELABORATIONS | SERIAL)[name]


def with_tiles(tiles: int | None, *, serial: bool = False) -> list[Elaboration]:
    """Return the elaborations with this number of tiles, or all of them; with ``serial``, those with serial parts too.

    Raises
    ------
    ConfigError
        If there is none.
    """
    chosen = ELABORATIONS | SERIAL if serial else ELABORATIONS
    found = [each for each in chosen.values() if tiles is None or each.controller.tiles == tiles]
    if not found:
        known = sorted({each.controller.tiles for each in ELABORATIONS.values()})
        raise ConfigError(f"no controller with {tiles} tiles is compared; choose {known[0]} to {known[-1]} tiles")
    return found
