"""The microprogram at power-up: tables, channels, cells."""

from typing import Final

from twinbar.hw.protocol.layouts import TILE_BITS

from .assembler import Assembler, Routine
from .expressions import Builder, Function, StepKind
from .functions import Functions
from .image import LENGTH_BITS
from .instructions import NOT, Condition, Job, MachineInput, MachineOutput
from .memory_map import MemoryMap
from .model import ArrayModel

CONDUCTANCE_BITS: Final = 26
"""Of a cell's record; its fault follows, and its pulses fill the upper half."""


class Forming:
    """Writes what happens at power-up.

    Parameters
    ----------
    asm : Assembler
    model : ArrayModel
    rows, columns, channels : int
    at : MemoryMap
    functions : Functions
    see : Routine
        Rounds ``g`` to the read grid, as ``grid``.
    """

    def __init__(
        self,
        asm: Assembler,
        model: ArrayModel,
        shape: tuple[int, int, int],
        at: MemoryMap,
        functions: Functions,
        see: Routine,
    ) -> None:
        self._asm, self._model, self._at, self._do, self._see = asm, model, at, functions, see
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
            with asm.repeat(self._at.channels - self._at.responses, Condition.ZERO):
                asm.call(entry)
                if upper:
                    asm.load(t, where)
                    asm.accumulate_high(t, value, 2)
                else:
                    asm.set(t, 0)
                    asm.accumulate_high(t, value, 2)
                    asm.shift(t, t, 32, logical=True)
                asm.store(t, where)
                self._step(where, self._at.channels)

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
        """Return what the keys of this tile's cells and channels begin with."""
        asm, do = self._asm, self._do
        for name in ("cell_keys", "channel_keys", "value", "where"):
            # A pulse and a conversion go by the last two as well.
            asm.register(name)
        asm.input(asm.register("value"), MachineInput.TILE)
        tile = ("value", 0, (1 << TILE_BITS) - 1)
        do.write(do.cell_keys, {"tile": tile}, ("cell_keys",), scratch=("t", "where"))
        do.write(do.channel_keys, {"tile": tile}, ("channel_keys",), scratch=("t", "where"))

    def channels(self) -> None:
        """Store key, conversions and gain of every channel, and the offsets of all outputs."""
        asm, do = self._asm, self._do
        number, where, one = asm.register("value"), asm.register("where"), asm.constant(1)
        results = ("key", "error")[: 1 if do.channel_error is None else 2]
        for name in ("key", "error", "t", "state"):
            asm.register(name)
        asm.set(where, self._at.channels)
        asm.set(number, 0)
        with asm.repeat(self._channels, Condition.ZERO):
            channel = {"early": "channel_keys", "channel": "value"}
            do.write(do.channel, channel, results, scratch=("t", "state"))
            asm.store(asm.register("key"), where)
            asm.add(where, where, one)
            asm.store(asm.constant(0), where)
            asm.add(where, where, one)
            if do.channel_error is not None:
                asm.store(asm.register("error"), where)
            asm.add(where, where, one)
            self._step(number, self._channels)
        if self._model.offset:
            for pair, offset in enumerate(do.adc_offset):
                asm.set(number, 0)
                outputs = self._columns >> pair
                with asm.repeat(outputs, Condition.ZERO):
                    column = {"early": "channel_keys", "column": "value"}
                    do.write(offset, column, ("error",), scratch=("t", "state"))
                    asm.store(asm.register("error"), where)
                    asm.add(where, where, one)
                    self._step(number, outputs)

    def cells(self) -> None:
        """Draw the faults of all cells, and give them the conductance after forming."""
        asm, at, do = self._asm, self._at, self._do
        for name in ("value", "where", "key", "state"):
            asm.register(name)
        number, where, t = asm.register("value"), asm.register("where"), asm.register("t")
        formed = formed_record(do.of.form)
        cells = self._rows * self._columns
        asm.set(number, 0)
        with asm.repeat(cells, Condition.ZERO):
            if any(step.kind is StepKind.INPUT for step in formed.steps):
                cell = ("value", 0, cells - 1)
                do.write(do.cell_key, {"early": "cell_keys", "cell": cell}, ("key",), scratch=("t", "where"))
            do.write(formed, {"key": "key"}, ("state",), scratch=("t", "where"))
            asm.set(where, at.cells)
            asm.add(where, where, number)
            asm.store(asm.register("state"), where)
            asm.both(asm.register("g"), asm.register("state"), asm.constant((1 << CONDUCTANCE_BITS) - 1))
            asm.call(self._see)
            asm.set(where, at.grid)
            asm.add(where, where, number)
            asm.store_word(asm.register("grid"), where)
            self._step(number, cells)
        asm.set(t, Job.FORM)
        asm.output(MachineOutput.FINISHED, t)


def formed_record(form: Function) -> Function:
    """Return what a cell's record holds after forming: its conductance, and its fault above that."""
    builder = Builder()
    key = builder.bits("key", 64)
    g, fault = builder.inline(form, {"key": key})
    return builder.function(builder.add(g, builder.multiply(fault, builder.number(1 << CONDUCTANCE_BITS))))
