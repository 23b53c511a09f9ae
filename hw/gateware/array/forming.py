"""The microprogram at power-up: tables, channels, cells."""

from typing import Final

from .arithmetic import GOLDEN, Arithmetic
from .assembler import Assembler, Routine
from .image import LENGTH_BITS
from .instructions import NOT, Condition, Input, Job, Output
from .memory_map import RESPONSE_RECORDS, MemoryMap
from .model import ArrayModel

DRAW_PULSE: Final = 1
DRAW_TRAITS: Final = 2
DRAW_FAULT: Final = 3
DRAW_CONVERSION: Final = 8
DRAW_ADC_OFFSET: Final = 9
DRAW_ADC_GAIN: Final = 10
"""What draws are for, as in the cell model."""
PURPOSE_PLACE: Final = 48

CONDUCTANCE_BITS: Final = 26
"""Of a cell's record; its fault follows, and its pulses fill the upper half."""
TRIM_CENTRE: Final = 128
TRIM_STEP: Final = 64
"""Q16 gain of a channel by its trim."""


class Forming:
    """Writes what happens at power-up.

    Parameters
    ----------
    asm : Assembler
    model : ArrayModel
    rows, columns, channels : int
    at : MemoryMap
    arithmetic : Arithmetic
    see : Routine
        Rounds ``g`` to the read grid, as ``grid``.
    """

    def __init__(
        self,
        asm: Assembler,
        model: ArrayModel,
        shape: tuple[int, int, int],
        at: MemoryMap,
        arithmetic: Arithmetic,
        see: Routine,
    ) -> None:
        self._asm, self._model, self._at, self._do, self._see = asm, model, at, arithmetic, see
        self._rows, self._columns, self._channels = shape

    def write_entry(self) -> Routine:
        """Write the routine that takes the next entry of a table from the image."""
        made: list[Routine] = []
        for name in ("value", "place", "run"):
            self._asm.register(name)
        with self._asm.routine(made):
            self._next_entry()
        return made[-1]

    def tables(self, entry: Routine) -> None:
        """Expand the image: words up to the grid, then the spreads and the means of pulses."""
        asm = self._asm
        value, where, t = asm.register("value"), asm.register("where"), asm.register("t")
        for name in ("value", "place", "run", "where"):
            asm.set(asm.register(name), 0)
        with asm.repeat(self._at.grid, Condition.ZERO):
            asm.call(entry)
            asm.store_word(value, where)
            self._step(where, self._at.grid)
        for upper in (False, True):
            asm.set(where, self._at.responses)
            with asm.repeat(RESPONSE_RECORDS, Condition.ZERO):
                asm.call(entry)
                if upper:
                    asm.load(t, where)
                    asm.accumulate_high(t, value, 2)
                else:
                    asm.set(t, 0)
                    asm.accumulate_high(t, value, 2)
                    asm.shift(t, t, 32, logical=True)
                asm.store(t, where)
                self._step(where, self._at.responses + RESPONSE_RECORDS)

    def _step(self, counter: int, end: int) -> None:
        """Count up; the result is 0 when the end is reached."""
        asm = self._asm
        asm.add(counter, counter, asm.constant(1))
        asm.less(asm.register("t"), counter, end)

    def _next_entry(self) -> None:
        """Add to ``value`` what the next entry of the image differs by (`twinbar.hw.gateware.array.image`)."""
        asm = self._asm
        value, place, left, bits = (asm.register(name) for name in ("value", "place", "run", "bits"))
        step, mask, size, t = (asm.register(name) for name in ("step", "mask", "size", "t"))
        one = asm.constant(1)

        def word(destination: int) -> None:
            asm.load_image(destination, place)
            asm.add(place, place, one)

        asm.subtract(left, left, one)
        with asm.when(Condition.NEGATIVE):
            word(left)
            asm.shift(size, left, LENGTH_BITS)
            asm.set(t, (1 << LENGTH_BITS) - 1)
            asm.both(left, left, t)
            asm.subtract(left, left, one)
            # Of a field of n bits, 16 - n is given: 17 bits less that and one more are its mask.
            asm.shift_by(mask, asm.constant((1 << 17) - 1), size)
            asm.set(t, 15)
            asm.subtract(size, t, size)
            word(step)
            word(t)
            asm.accumulate_high(step, t, 1)
            asm.set(bits, 1)
        asm.copy(mask, mask)
        with asm.when(Condition.ZERO ^ NOT):
            # A one above the fields tells when they are used up.
            asm.shift(t, bits, 1)
            with asm.when(Condition.ZERO):
                word(bits)
                asm.add(bits, bits, asm.constant(1 << 16))
            asm.both(t, bits, mask)
            asm.add(value, value, t)
            asm.shift_by(bits, bits, size)
        asm.add(value, value, step)

    def keys(self) -> None:
        """Give what the keys of this tile's cells and channels begin with."""
        asm, model = self._asm, self._model
        t, cells, channels = asm.register("t"), asm.register("cell_keys"), asm.register("channel_keys")
        # What a pulse and a conversion go by as well.
        for name in ("value", "where"):
            asm.register(name)
        value, seed = asm.register("value"), asm.constant(model.seed)
        asm.input(t, Input.TILE)
        asm.set(value, 0)
        asm.accumulate_high(value, t, 2)
        asm.multiply(cells, value, asm.constant(GOLDEN))
        asm.add(cells, cells, seed)
        asm.set(value, 0)
        asm.accumulate_high(value, t, 1)
        asm.xor(channels, seed, value)
        asm.set(value, DRAW_CONVERSION << 56)
        asm.xor(channels, channels, value)

    def channels(self) -> None:
        """Store key, conversions and gain of every channel, and the offsets of all outputs."""
        asm, model = self._asm, self._model
        number, where, t = asm.register("value"), asm.register("where"), asm.register("t")
        key, event, z = asm.register("key"), asm.register("event"), asm.register("z")
        one = asm.constant(1)
        asm.set(where, self._at.channels)
        asm.set(number, 0)
        with asm.repeat(self._channels, Condition.ZERO):
            self._channel_key(number)
            asm.store(key, where)
            asm.add(where, where, one)
            asm.store(asm.constant(0), where)
            asm.add(where, where, one)
            # The trim is added to this when it is known.
            asm.set(t, (1 << 16) - TRIM_CENTRE * TRIM_STEP)
            if model.gain_error:
                asm.set(event, DRAW_ADC_GAIN << PURPOSE_PLACE)
                asm.call(self._do.draw)
                asm.call(self._do.gauss)
                asm.multiply(asm.register("hash"), z, asm.constant(model.gain_error), bits=16)
                asm.shift(z, asm.register("hash"), 12)
                asm.set(t, (1 << 16) - TRIM_CENTRE * TRIM_STEP)
                asm.add(t, t, z)
            asm.store(t, where)
            asm.add(where, where, one)
            self._step(number, self._channels)
        if model.offset:
            for pair in (0, 1):
                asm.set(number, 0)
                outputs = self._columns >> pair
                with asm.repeat(outputs, Condition.ZERO):
                    self._channel_key(number)
                    asm.set(event, (DRAW_ADC_OFFSET << PURPOSE_PLACE) + pair)
                    asm.call(self._do.draw)
                    asm.call(self._do.gauss)
                    asm.multiply(t, z, asm.constant(model.offset), bits=16)
                    asm.store(t, where)
                    asm.add(where, where, one)
                    self._step(number, outputs)

    def _channel_key(self, number: int) -> None:
        asm = self._asm
        asm.xor(asm.register("hash"), asm.register("channel_keys"), number)
        asm.call(self._do.mix)
        asm.copy(asm.register("key"), asm.register("hash"))

    def cells(self) -> None:
        """Draw the faults of all cells, and give them the conductance after forming."""
        asm, model, at = self._asm, self._model, self._at
        number, where, sum_of_keys = asm.register("value"), asm.register("where"), asm.register("keys")
        g, t, key, bits = asm.register("g"), asm.register("t"), asm.register("key"), asm.register("hash")
        state, cells = asm.register("state"), self._rows * self._columns
        asm.set(number, 0)
        asm.copy(sum_of_keys, asm.register("cell_keys"))
        with asm.repeat(cells, Condition.ZERO):
            asm.set(g, model.initial)
            asm.set(state, 0)
            if model.has_faults:
                asm.add(sum_of_keys, sum_of_keys, asm.constant(GOLDEN))
                asm.copy(bits, sum_of_keys)
                asm.call(self._do.mix)
                asm.copy(key, bits)
                asm.set(asm.register("event"), DRAW_FAULT << PURPOSE_PLACE)
                asm.call(self._do.draw)
                asm.shift(bits, bits, 32, logical=True)
                # Faults in the order of their numbers; each takes the place of the one that follows it.
                shares = (model.stuck_low, model.stuck_high, model.non_responding)
                states = (model.low, model.high, model.initial)
                for fault in (3, 2, 1):
                    asm.less(t, bits, sum(shares[:fault]))
                    with asm.when(Condition.NEGATIVE):
                        asm.set(g, states[fault - 1])
                        asm.set(state, fault << CONDUCTANCE_BITS)
            asm.set(where, at.cells)
            asm.add(where, where, number)
            asm.add(state, state, g)
            asm.store(state, where)
            asm.call(self._see)
            asm.set(where, at.grid)
            asm.add(where, where, number)
            asm.store_word(asm.register("grid"), where)
            self._step(number, cells)
        asm.set(t, Job.FORM)
        asm.output(Output.FINISHED, t)
