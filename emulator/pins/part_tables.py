"""Tables of a front end's parts for the compiled models: everything that differs from one part to another.

The structures are those of ``part_tables.h`` beside this file, field by field. A new part of hw/parts needs no C++: its
limits, words and frames are read from it here.
"""

import ctypes
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.adc import AdcPart
from twinbar.hw.parts.assembly import DrivenLine, DrivePath, SerialParts
from twinbar.hw.parts.bus import BusCycles, BusTiming
from twinbar.hw.parts.cycles import matrix_of
from twinbar.hw.parts.dac import DacPart
from twinbar.hw.parts.i2c import I2cTiming
from twinbar.hw.parts.switch import OpenPin, SwitchPart

_TIMES: Final = (
    *("period", "high", "low", "duty", "longest_period"),
    *("select_setup", "select_hold", "select_high", "select_period"),
    *("data_setup", "data_hold", "access", "select_access", "output_hold"),
)
_FLAGS: Final = ("cpol", "sampling_level", "select_launches", "launches_on_sampling_edge")


_MOST_ADDRESSES: Final = 8
"""As ``kMostAddresses``."""


def _structure(name: str, **fields: Any) -> type[ctypes.Structure]:
    return type(name, (ctypes.Structure,), {"_fields_": list(fields.items())})


_INT, _DOUBLE, _WORDS = ctypes.c_int64, ctypes.c_double, ctypes.c_void_p


def _ints(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, _INT)


Limits = _structure("Limits", **dict.fromkeys(_TIMES, _DOUBLE), **_ints(*_FLAGS))
Cycles = _structure("Cycles", **_ints("bit", "second", "setup", "hold", "high", "sample_delay"))
Dac = _structure(
    "Dac",
    limits=Limits,
    **_ints("channels", "word_bits", "code_offset", "code_mask"),
    settle=_DOUBLE,
    other_words=_INT,
    base=_WORDS,
    others=_WORDS,
)
Adc = _structure(
    "Adc",
    limits=Limits,
    **_ints("channels", "bits", "frame_bits", "latency", "dummies", "zero", "shift", "least", "greatest"),
    **_ints("track_bit", "conversion_bit"),
    acquisition=_DOUBLE,
    conversion=_DOUBLE,
    other_frames=_INT,
    choose=_WORDS,
    others=_WORDS,
)
Switches = _structure("Switches", limits=Limits, opens_by_reset=_INT, open=_DOUBLE, settle=_DOUBLE)
Matrix = _structure(
    "Matrix",
    **_ints("rows", "columns", "channels", "row_switches", "column_switches", "pair_base", "reference_switch"),
    **_ints("dac_shift", "dac_bits"),
    chip=_INT * len(DrivenLine),
    output=_INT * len(DrivenLine),
)
Tile = _structure(
    "Tile",
    period=_DOUBLE,
    **_ints("dacs", "lanes", "input_registers"),
    addresses=_INT * _MOST_ADDRESSES,
    round_trip=_DOUBLE,
    dac=Dac,
    adc=Adc,
    switches=Switches,
    matrix=Matrix,
    dac_cycles=Cycles,
    adc_cycles=Cycles,
    switch_cycles=Cycles,
)
Complaint = _structure("Complaint", time_ns=_DOUBLE, **_ints("tile", "device", "breach"), found=_DOUBLE, needed=_DOUBLE)


class Memory:
    """Keeps what tables point to."""

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []

    def words(self, words: Sequence[int]) -> int:
        """Keep words; give their address."""
        self._kept.append(np.array(words or [0], np.uint64))
        return int(self._kept[-1].ctypes.data)


class FrontEndTables:
    """The tables of a front end, and the memory that they point to.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts) -> None:
        self._memory = Memory()
        self.tile = tile_table(config, parts, self._memory)


def tile_table(config: ControllerConfig, parts: SerialParts, memory: Memory) -> Any:
    """Return the table of a tile's parts."""
    return Tile(
        period=1e9 / parts.clock_hz,
        dacs=parts.dacs,
        lanes=1 if parts.adc.latency else config.adc_channels,
        input_registers=parts.adc_board.input_registers,
        addresses=(_INT * _MOST_ADDRESSES)(*_addresses(parts.dac)),
        round_trip=parts.adc_board.round_trip_ns,
        dac=dac_table(parts.dac, memory),
        adc=adc_table(parts.adc, config.adc_bits, memory),
        switches=switch_table(parts.switch),
        matrix=_matrix(config, parts),
        dac_cycles=_cycles(parts.dac_cycles),
        adc_cycles=_cycles(parts.adc_cycles),
        switch_cycles=_cycles(parts.switch_cycles),
    )


def _addresses(part: DacPart) -> tuple[int, ...]:
    """Return the addresses of a DAC on I2C; none on SPI."""
    return part.timing.addresses[:_MOST_ADDRESSES] if isinstance(part.timing, I2cTiming) else ()


def dac_table(part: DacPart, memory: Memory) -> Any:
    """Return the table of a DAC."""
    others = part.start_up()
    return Dac(
        limits=limits_of(part.timing),
        channels=part.channels,
        word_bits=part.word_bits,
        code_offset=part.code_offset(),
        code_mask=(1 << part.bits) - 1,
        settle=part.settle_ns,
        other_words=len(others),
        base=memory.words([part.write_and_update(channel, 0) for channel in range(part.channels)]),
        others=memory.words(others),
    )


def adc_table(part: AdcPart, adc_bits: int, memory: Memory) -> Any:
    """Return the table of an ADC, for a tile whose codes have ``adc_bits`` bits."""
    others = part.start_up()
    return Adc(
        limits=limits_of(part.timing),
        channels=part.channels,
        bits=part.bits,
        frame_bits=part.frame_bits,
        latency=part.latency,
        dummies=part.dummies,
        zero=part.zero,
        shift=part.shift(adc_bits),
        least=0,
        greatest=(1 << part.bits) - 1,
        track_bit=part.track_bit,
        conversion_bit=part.result_bit,
        acquisition=part.acquisition_ns,
        conversion=part.conversion_ns,
        other_frames=len(others),
        choose=memory.words([part.command(channel) for channel in range(part.channels)]),
        others=memory.words([number for frame in others for number in frame]),
    )


def limits_of(timing: BusTiming) -> Any:
    """Return the limits of a bus; a time that the part does not have is 0."""
    times = {name: float(getattr(timing, name if name == "duty" else f"{name}_ns") or 0.0) for name in _TIMES}
    return Limits(**times, **{name: int(getattr(timing, name)) for name in _FLAGS})


def _cycles(cycles: BusCycles) -> Any:
    return Cycles(
        bit=cycles.first + cycles.second,
        second=cycles.second,
        setup=cycles.setup,
        hold=cycles.hold,
        high=cycles.high,
        sample_delay=cycles.sample_delay,
    )


def switch_table(part: SwitchPart) -> Any:
    """Return the table of a switch."""
    return Switches(
        limits=limits_of(part.timing),
        opens_by_reset=part.open_pin is OpenPin.RESET,
        open=part.open_ns,
        settle=part.settle_ns,
    )


def _matrix(config: ControllerConfig, parts: SerialParts) -> Any:
    matrix = matrix_of(parts, config.rows, config.columns)
    driving = {output.line: output for output in parts.outputs if DrivePath.WRITE in output.drives}
    return Matrix(
        rows=config.rows,
        columns=config.columns,
        channels=config.adc_channels,
        row_switches=matrix.row_switches,
        column_switches=matrix.column_switches,
        pair_base=matrix.pair_base,
        reference_switch=matrix.reference_switch if parts.reference else -1,
        dac_shift=parts.dac.bits - config.dac_bits,
        dac_bits=parts.dac.bits,
        chip=(_INT * len(DrivenLine))(*(driving[line].chip if line in driving else -1 for line in DrivenLine)),
        output=(_INT * len(DrivenLine))(*(driving[line].channel if line in driving else 0 for line in DrivenLine)),
    )
