"""What the emulated array computes of cells and converters, in the form of `twinbar.hw.gateware.array.expressions`."""

from dataclasses import dataclass

from .expressions import Function


@dataclass(frozen=True)
class CellFunctions:
    """What the emulator's cell model computes, as steps; made of its source by whoever knows it.

    Draws are made by three routines that others call: ``mix``, ``event_bits`` and ``gauss``.

    Parameters
    ----------
    mix : Function
        Of ``x``, 64 bits: 64 bits.
    event_bits : Function
        Of ``key`` and ``number``, the bits of a draw.
    gauss : Function
        Of ``bits``, the Q12 deviate.
    cell_key : Function
        Of ``tile`` and ``cell``.
    channel_key : Function
        Of ``tile`` and ``channel``.
    form : Function
        Of ``key``, the Q24 conductance of a cell after forming, and its fault.
    pulse : Function
        Of ``g``, ``key``, ``count`` and ``resets`` (0 or 1), the conductance after a pulse on a sound cell.
    see : Function
        Of ``g``, what a read sees of the cell, in read-grid units.
    conversion_deviate : Function
        Of ``key`` and ``count``, the deviate of a channel's conversion.
    channel_gain : Function
        Of ``tile``, ``channel``, ``trim`` and the ``gain`` of a range, that of the channel in it.
    adc_offset : (Function, Function)
        Of ``tile`` and ``column``, the offset of a column in Q20 codes, and of a pair.
    """

    mix: Function
    event_bits: Function
    gauss: Function
    cell_key: Function
    channel_key: Function
    form: Function
    pulse: Function
    see: Function
    conversion_deviate: Function
    channel_gain: Function
    adc_offset: tuple[Function, Function]
