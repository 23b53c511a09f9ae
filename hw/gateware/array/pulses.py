"""The microprogram after a write pulse: the cell's conductance, as `apply_pulse` of the cell model gives it."""

from .arithmetic import GOLDEN, Arithmetic
from .assembler import Assembler, Routine
from .forming import CONDUCTANCE_BITS, DRAW_PULSE, DRAW_TRAITS, PURPOSE_PLACE
from .instructions import NOT, Condition, Input, Job, Output
from .memory_map import MemoryMap
from .model import STEP_BINS, TRAIT_BINS, ArrayModel

PULSES_PLACE = 32
"""Bit of a cell's record from which on its pulses are counted."""


class Pulses:
    """Writes what happens when the write gate has closed.

    Parameters
    ----------
    asm : Assembler
    model : ArrayModel
    columns : int
    at : MemoryMap
    arithmetic : Arithmetic
    see : Routine
        Rounds ``g`` to the read grid, as ``grid``.
    """

    def __init__(
        self, asm: Assembler, model: ArrayModel, columns: int, at: MemoryMap, arithmetic: Arithmetic, see: Routine
    ) -> None:
        self._asm, self._model, self._at, self._do, self._see = asm, model, at, arithmetic, see
        self._columns = columns

    def write(self) -> None:
        """Apply a pulse to its cell."""
        asm, at = self._asm, self._at
        t, cell, record, where = (asm.register(name) for name in ("t", "value", "record", "where"))
        asm.input(t, Input.PULSE_ROW)
        asm.input(cell, Input.PULSE_COLUMN)
        asm.accumulate_times(cell, t, self._columns)
        asm.set(where, at.cells)
        asm.add(where, where, cell)
        asm.load(record, where)
        with asm.when(Condition.ACTS):
            if self._model.has_faults:
                asm.set(t, 3 << CONDUCTANCE_BITS)
                asm.both(t, record, t)
                with asm.when(Condition.ZERO):
                    self._move()
            else:
                self._move()
        # The pulse is counted whatever has come of it.
        asm.add(record, record, asm.constant(1 << PULSES_PLACE))
        asm.set(where, at.cells)
        asm.add(where, where, cell)
        asm.store(record, where)
        asm.set(t, Job.PULSE)
        asm.output(Output.FINISHED, t)

    def _move(self) -> None:
        """Change the conductance in ``record``, and what reads see of the cell."""
        asm, model, do = self._asm, self._model, self._do
        t, cell, record, g = (asm.register(name) for name in ("t", "value", "record", "g"))
        bits, key, event, z = (asm.register(name) for name in ("hash", "key", "event", "z"))
        gain, response, where, before = (asm.register(name) for name in ("gain", "mask", "where", "half"))
        one = asm.constant(1)
        asm.both(g, record, asm.constant((1 << CONDUCTANCE_BITS) - 1))
        asm.copy(before, g)
        asm.add(t, cell, one)
        asm.multiply(bits, asm.constant(GOLDEN), t, bits=16)
        asm.add(bits, bits, asm.register("cell_keys"))
        asm.call(do.mix)
        asm.copy(key, bits)
        self._gain(gain)

        # Mean and spread by polarity and position.
        asm.less(t, g, model.low)
        asm.multiply(where, t, asm.constant(model.bin_scale), bits=model.bin_scale.bit_length())
        asm.shift(where, where, 32)
        self._limit(where, STEP_BINS - 1, least=None)
        with asm.when(Condition.RESETS):
            asm.set(t, STEP_BINS)
            asm.add(where, where, t)
        asm.set(t, self._at.responses)
        asm.add(where, where, t)
        asm.load(response, where)

        asm.shift(event, record, PULSES_PLACE, logical=True)
        asm.set(t, DRAW_PULSE << PURPOSE_PLACE)
        asm.add(event, event, t)
        asm.call(do.draw)
        asm.call(do.gauss)
        if model.noise_clip < max(model.gauss):
            self._limit(z, model.noise_clip, least=-model.noise_clip)

        asm.shift(t, response, 32)
        asm.multiply(where, t, gain, bits=16)
        asm.shift(where, where, 12)
        asm.add(g, g, where)
        # The lower half alone takes part in this.
        asm.multiply(where, z, response, bits=32)
        asm.shift(where, where, 12)
        asm.add(g, g, where)
        self._limit(g, model.high, least=model.low)
        asm.subtract(t, g, before)
        asm.add(record, record, t)
        asm.call(self._see)
        asm.set(where, self._at.grid)
        asm.add(where, where, cell)
        asm.store_word(asm.register("grid"), where)

    def _gain(self, gain: int) -> None:
        """Look up the gain of the cell for the pulse's polarity."""
        asm, model = self._asm, self._model
        bits, where, t = asm.register("hash"), asm.register("where"), asm.register("t")
        asm.set(asm.register("event"), DRAW_TRAITS << PURPOSE_PLACE)
        asm.call(self._do.draw)
        if not model.gain_shared:
            with asm.when(Condition.RESETS):
                asm.shift(bits, bits, TRAIT_BINS.bit_length() - 1, logical=True)
        asm.set(t, TRAIT_BINS - 1)
        asm.both(where, bits, t)
        asm.set(t, self._at.gain)
        asm.add(where, where, t)
        if self._at.gain_words > TRAIT_BINS:
            with asm.when(Condition.RESETS):
                asm.set(t, TRAIT_BINS)
                asm.add(where, where, t)
        asm.load_word(gain, where)

    def _limit(self, what: int, most: int, *, least: int | None) -> None:
        """Keep a number within bounds."""
        asm = self._asm
        t = asm.register("t")
        for bound, condition in ((most, Condition.NEGATIVE ^ NOT), (least, Condition.NEGATIVE)):
            if bound is not None:
                asm.less(t, what, bound)
                with asm.when(condition):
                    asm.set(what, bound)
