"""The part of a crossbar's physics that an emulated array on a chip computes, in its own form."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.devices import layout as at
from twinbar.emulator.devices.array_functions import array_functions
from twinbar.hw.errors import ConfigError, ParameterError
from twinbar.hw.gateware.array.microprogram import array_cycles
from twinbar.hw.gateware.array.model import ArrayModel, ConversionFormats
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

    def scalar(field: str) -> int:
        return int(scalars[0][field])

    thresholds = [int(np.argmax(tables[_amplitudes(at.O_AMP_MEAN, polarity)] > 0)) for polarity in (at.SET, at.RESET)]
    return ArrayModel(
        seed=scalar("seed") % _WORD,
        stuck_low=scalar("stuck_low"),
        stuck_high=scalar("stuck_high"),
        non_responding=scalar("non_responding"),
        threshold=(thresholds[0], thresholds[1]),
        gauss=section(at.O_GAUSS, at.GAUSS_BINS),
        gain=both(at.O_GAIN, at.TRAIT_BINS),
        mean=both(at.O_MEAN, at.STEP_BINS),
        sigma=both(at.O_SIGMA, at.STEP_BINS),
        grid_limit=scalar("grid_limit"),
        variance=int(tables[at.O_VARIANCE]),
        variance_unit=scalar("variance_unit"),
        variance_shift=scalar("variance_shift"),
        read_gain=scalar("read_gain"),
        read_ku=scalar("read_ku"),
        converter_variance=scalar("adc_ka"),
        reference=scalar("reference"),
        code_min=scalar("adc_min"),
        code_max=scalar("adc_max"),
        offset=scalar("adc_offset"),
        formats=ConversionFormats(
            at.RANGE_BITS,
            at.RANGE_EXPONENT_MAX,
            at.RANGE_POINT,
            at.GAIN_BITS,
            at.KU_BITS,
            at.READ_GAIN_SHIFT,
            at.READ_KU_SHIFT,
        ),
        functions=array_functions(_fields(scalars[0]), tables.tolist()),
    )


def with_chip_durations(config: CrossbarConfig) -> CrossbarConfig:
    """Return every phase at least the cycles that an array on a chip computes in it.

    With these, a controller takes as many cycles whether its array is on the chip or not. Single reads take the range
    of the configuration (the register RANGE_READ is 0), as in training.

    Raises
    ------
    ConfigError
        If the array on the chip cannot compute the device, or takes longer than a register can say.
    """
    timing = config.timing
    try:
        least = array_cycles(config.array.controller(1), chip_model(config))
    except ParameterError as error:
        raise config.array.named(error) from None
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


def _fields(record: Any) -> dict[str, int | tuple[int, ...]]:
    """Return the fields of a record by name, as Python's integers."""
    plain = {name: record[name].tolist() for name in record.dtype.names}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}


def _amplitudes(offset: int, polarity: int) -> slice:
    return slice(offset + polarity * at.CODES, offset + (polarity + 1) * at.CODES)


def _beyond(scalars: np.ndarray, tables: np.ndarray) -> Sequence[tuple[bool, str]]:
    """Return what a device may have that the array cannot compute, and whether it does."""
    steps = []
    for offset in (at.O_AMP_MEAN, at.O_AMP_SIGMA):
        for polarity in (at.SET, at.RESET):
            factors = tables[_amplitudes(offset, polarity)]
            first = int(np.argmax(factors > 0))
            same = np.array_equal(factors > 0, tables[_amplitudes(at.O_AMP_MEAN, polarity)] > 0)
            steps.append(same and bool((factors[first:] == at.Q12).all()) and not factors[:first].any())
    last = int(scalars[0].grid_limit) >> int(scalars[0].var_shift)
    variances = tables[at.O_VARIANCE : at.O_VARIANCE + last + 1]
    initial = tables[at.O_INITIAL : at.O_INITIAL + at.TRAIT_BINS]
    return (
        (bool(scalars[0].window_varies), "its window varies from cell to cell (device_to_device.g_min, g_max)"),
        (bool(scalars[0].shape_varies), "its nonlinearity varies from cell to cell"),
        (bool(scalars[0].ages), "it relaxes or drifts"),
        (bool(scalars[0].write_noise), "it has write noise"),
        (bool(scalars[0].width_scales), "its response depends on the width of a pulse (pulse.width_scales)"),
        (bool(scalars[0].wires), "its wires have a resistance"),
        (bool(scalars[0].access_at), "its access transistor takes part of the voltage of pulses (access.at)"),
        (bool(scalars[0].drive_shift), "its current is not proportional to the voltage (nonlinearity)"),
        (bool(scalars[0].threshold_varies), "its thresholds vary from cell to cell (threshold_spread)"),
        (bool(scalars[0].pulse_tails), "its pulses are not normally distributed (tails.pulse)"),
        (bool(scalars[0].half_select), "its array is passive (array.bias_scheme)"),
        (bool(scalars[0].reads_disturb), "reads move it (read_disturb)"),
        (bool(scalars[0].wears or scalars[0].fails), "its cells wear (endurance.shape, endurance.onset)"),
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
