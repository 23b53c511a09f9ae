"""The part of a crossbar's physics that an emulated array on a chip computes, in its own form."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.devices import layout as at
from twinbar.emulator.devices.array_functions import array_functions
from twinbar.hw.errors import ConfigError
from twinbar.hw.gateware.array.model import ArrayModel, ConversionFormats
from twinbar.hw.gateware.array.program import array_cycles
from twinbar.hw.gateware.front_end.handshake import CYCLE_BITS

_UNLIMITED: Final = (1 << 31) - 1
"""A gate cap that no conductance reaches."""
_WORD: Final = 1 << 64
_LONGEST: Final = (1 << CYCLE_BITS) - 1


def chip_model(config: CrossbarConfig) -> ArrayModel:
    """Take from a configuration what an emulated array on a chip needs.

    Raises
    ------
    ConfigError
        If the cells do what the array on the chip cannot compute.
    """
    scalars, tables = config.cells.scalars, config.cells.tables
    for wrong, what in _beyond(scalars, tables):
        if wrong:
            raise ConfigError(
                f"the emulated array on a chip cannot compute this device: {what}; choose the preset chip, or one "
                "without it"
            )

    def section(offset: int, size: int) -> tuple[int, ...]:
        return tuple(tables[offset : offset + size].tolist())

    def both(offset: int, size: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        return section(offset, size), section(offset + size, size)

    def scalar(place: int) -> int:
        return int(scalars[place])

    thresholds = [int(np.argmax(tables[_amplitudes(at.O_AMP_MEAN, polarity)] > 0)) for polarity in (at.SET, at.RESET)]
    return ArrayModel(
        seed=scalar(at.P_SEED) % _WORD,
        stuck_low=scalar(at.P_STUCK_LOW),
        stuck_high=scalar(at.P_STUCK_HIGH),
        non_responding=scalar(at.P_NON_RESPONDING),
        threshold=(thresholds[0], thresholds[1]),
        gauss=section(at.O_GAUSS, at.GAUSS_BINS),
        gain=both(at.O_GAIN, at.TRAIT_BINS),
        mean=both(at.O_MEAN, at.STEP_BINS),
        sigma=both(at.O_SIGMA, at.STEP_BINS),
        grid_limit=scalar(at.P_GRID_LIMIT),
        variance=int(tables[at.O_VARIANCE]),
        variance_unit=scalar(at.P_UNIT),
        variance_shift=scalar(at.P_UNIT_SHIFT),
        read_gain=scalar(at.P_READ_GAIN),
        read_ku=scalar(at.P_READ_KU),
        converter_variance=scalar(at.P_ADC_KA),
        reference=scalar(at.P_REFERENCE),
        code_min=scalar(at.P_ADC_MIN),
        code_max=scalar(at.P_ADC_MAX),
        offset=scalar(at.P_ADC_OFFSET),
        formats=ConversionFormats(
            at.RANGE_BITS,
            at.RANGE_EXPONENT_MAX,
            at.RANGE_POINT,
            at.GAIN_BITS,
            at.KU_BITS,
            at.READ_GAIN_SHIFT,
            at.READ_KU_SHIFT,
        ),
        functions=array_functions(scalars.tolist(), tables.tolist()),
    )


def with_chip_durations(config: CrossbarConfig) -> CrossbarConfig:
    """Give every phase at least the cycles that an array on a chip computes in it.

    With these, a controller takes as many cycles whether its array is on the chip or not. Single reads take the range
    of the configuration (the register RANGE_READ is 0), as in training.

    Raises
    ------
    ConfigError
        If the array on the chip cannot compute the device, or takes longer than a register can say.
    """
    timing = config.timing
    least = array_cycles(config.geometry.controller(1), chip_model(config))
    needed = {
        "settle_read": least.read,
        "settle_multiply": least.multiply,
        "convert": least.convert,
        "recover": least.pulse,
    }
    for name, cycles in needed.items():
        if cycles > _LONGEST:
            raise ConfigError(
                f"timing.{name} would have to be {cycles} for the emulated array on a chip, and can be {_LONGEST} at "
                "most; take fewer rows (array.rows) or ADC channels (array.adc_channels)"
            )
    raised = {name: max(getattr(timing, name), cycles) for name, cycles in needed.items()}
    return replace(config, timing=replace(timing, **raised), on_chip=True)


def _amplitudes(offset: int, polarity: int) -> slice:
    return slice(offset + polarity * at.CODES, offset + (polarity + 1) * at.CODES)


def _beyond(scalars: np.ndarray, tables: np.ndarray) -> Sequence[tuple[bool, str]]:
    """Give what a device may have that the array cannot compute, and whether it does."""
    steps = []
    for offset in (at.O_AMP_MEAN, at.O_AMP_SIGMA):
        for polarity in (at.SET, at.RESET):
            factors = tables[_amplitudes(offset, polarity)]
            first = int(np.argmax(factors > 0))
            same = np.array_equal(factors > 0, tables[_amplitudes(at.O_AMP_MEAN, polarity)] > 0)
            steps.append(same and bool((factors[first:] == at.Q12).all()) and not factors[:first].any())
    last = int(scalars[at.P_GRID_LIMIT]) >> int(scalars[at.P_VAR_SHIFT])
    variances = tables[at.O_VARIANCE : at.O_VARIANCE + last + 1]
    initial = tables[at.O_INITIAL : at.O_INITIAL + at.TRAIT_BINS]
    return (
        (bool(scalars[at.P_WINDOW_VARIES]), "its window varies from cell to cell (device_to_device.g_min, g_max)"),
        (bool(scalars[at.P_SHAPE_VARIES]), "its nonlinearity varies from cell to cell"),
        (bool(scalars[at.P_AGES]), "it relaxes or drifts"),
        (bool(scalars[at.P_WRITE_NOISE]), "it has write noise"),
        (bool(scalars[at.P_WIDTH_SCALES]), "its response depends on the width of a pulse (pulse.width_scales)"),
        (bool(scalars[at.P_WIRE]), "its wires have a resistance"),
        (not all(steps), "its response depends on the amplitude of a pulse (amplitude)"),
        (
            bool((tables[at.O_GATE_CAP : at.O_GATE_CAP + at.CODES] != _UNLIMITED).any()),
            "the gate limits its conductance (gate)",
        ),
        (
            bool((variances != variances[0]).any()),
            "its read noise depends on its conductance (read_noise.relative, at)",
        ),
        (bool((initial != initial[0]).any()), "its conductance after forming has a spread (initial.sigma)"),
    )
