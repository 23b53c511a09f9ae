"""The microprogram of conversions: what a connection fixes for all of them, and the conversion of each channel."""

from collections.abc import Callable
from math import isqrt
from typing import Final

from ..controller_config import ControllerConfig
from .arithmetic import DIVISION_REGISTERS, QUOTIENT_BITS, Arithmetic
from .assembler import Assembler, Routine
from .functions import Functions
from .instructions import JUMP_CYCLES, NOT, Condition, Job, MachineInput, MachineOutput
from .memory_map import CHANNEL_RECORDS, MemoryMap
from .model import ArrayModel

SUM_REGISTERS: Final = ("word", "inputs", "x", "mask", "seen")
"""What sums of rows go through; they hold nothing when it is done."""


class Conversions:
    """Writes what happens when the read path is connected, and when a conversion is accepted.

    ``range_gain`` and ``gain_shift``, ``noise`` (the standard deviation) and ``current`` (of a cell) go from one to the
    other.

    Parameters
    ----------
    asm : Assembler
    model : ArrayModel
    config : ControllerConfig
    at : MemoryMap
    arithmetic : Arithmetic
    functions : Functions
    """

    def __init__(
        self,
        asm: Assembler,
        model: ArrayModel,
        config: ControllerConfig,
        at: MemoryMap,
        arithmetic: Arithmetic,
        functions: Functions,
    ) -> None:
        self._asm, self._model, self._config, self._at, self._do = asm, model, config, at, arithmetic
        self._functions, self._formats = functions, model.formats
        assert model.formats.gain_bits + 1 == QUOTIENT_BITS
        # Where reads have no noise but the converter's, it is always the same.
        self._noisy = model.variance > 0
        kept = ("code", "top", "range_gain", "gain_shift", "current", "half", "value", "where", "total", "first")
        for name in (*kept, *SUM_REGISTERS):
            asm.register(name)
        if self._noisy:
            for name in ("noise", "variance"):
                asm.register(name)
        made: list[Routine] = []
        with asm.routine(made), asm.scope(SUM_REGISTERS):
            self._write_range()
        with asm.routine(made):
            self._write_sum()
        self._range_routine, self._sum_routine = made

    # --- connection ----------------------------------------------------------------------------------------------

    def connect(self) -> dict[str, int]:
        """Compute what all conversions share until the next connection.

        Returns
        -------
        dict of str to int
            Cycles of the longest way: for rows, for a cell with the configuration's own range, and with another one.
        """
        asm = self._asm
        ends: dict[str, int] = {}

        def noting(way: str, write: Callable[[], None]) -> Callable[[], None]:
            def written() -> None:
                write()
                # Both choices are left by a jump, on some of the ways.
                ends[way] = asm.cycles + 2 * JUMP_CYCLES

            return written

        asm.input(asm.register("code"), MachineInput.RANGE)
        own, other = noting("own", self._own_range), noting("range", self._cell_range)
        asm.either(Condition.ROWS, noting("rows", self._connect_rows), lambda: self._connect_cell(own, other))
        rest = asm.cycles
        t, half = asm.register("t"), asm.register("half")
        # 2**(gain_shift - 20): the noise has 20 binary places, and a product as many as the gain.
        asm.set(t, 61 + self._formats.read_gain_shift)
        asm.subtract(t, t, asm.register("gain_shift"))
        asm.shift_by(half, asm.constant(1 << 62), t)
        asm.set(t, Job.CONNECT)
        asm.output(MachineOutput.FINISHED, t)
        return {way: end + asm.cycles - rest for way, end in ends.items()}

    def _connect_rows(self) -> None:
        asm = self._asm
        if self._noisy:
            # All cells have the same variance, so that it depends on the inputs alone.
            asm.call(self._sum_routine)
            variance, total = asm.register("variance"), asm.register("total")
            asm.multiply(variance, total, asm.constant(self._model.variance), bits=self._model.variance.bit_length())
            with asm.when(Condition.PAIRS):
                asm.add(variance, variance, variance)
        pair_top = self._model.pair_range[1]
        asm.either(Condition.PAIRS, lambda: self._range(pair_top), lambda: self._range(self._model.code_max))

    def _connect_cell(self, own_range: Callable[[], None], other_range: Callable[[], None]) -> None:
        asm, model = self._asm, self._model
        current, t, where = (asm.register(name) for name in ("current", "t", "where"))
        asm.set(current, 0)
        with asm.when(Condition.REFERENCE):
            asm.set(current, model.reference)
        with asm.when(Condition.CELL):
            asm.input(t, MachineInput.ROW)
            asm.input(where, MachineInput.COLUMN)
            asm.accumulate_times(where, t, self._config.columns)
            asm.set(t, self._at.grid)
            asm.add(where, where, t)
            asm.load_word(current, where)
        asm.copy(asm.register("code"), asm.register("code"))
        asm.either(Condition.ZERO, own_range, other_range)

    def _own_range(self) -> None:
        """Take the range of the configuration, whose noise is known beforehand."""
        asm, model = self._asm, self._model
        asm.set(asm.register("range_gain"), model.read_gain)
        asm.set(asm.register("gain_shift"), self._formats.read_gain_shift)
        if self._noisy:
            asm.set(asm.register("noise"), isqrt(model.converter_variance))
            with asm.when(Condition.CELL):
                variance = (model.variance * model.read_ku >> self._formats.read_ku_shift) + model.converter_variance
                asm.set(asm.register("noise"), isqrt(variance))

    def _cell_range(self) -> None:
        asm = self._asm
        if self._noisy:
            asm.set(asm.register("variance"), 0)
            with asm.when(Condition.CELL):
                asm.set(asm.register("variance"), self._model.variance)
        self._range(self._model.code_max)

    def _write_sum(self) -> None:
        """Sum up the rows of an output as ``total``, or in a connection the squares of all inputs.

        The output's cell in the first row is at ``first``.
        """
        asm, config = self._asm, self._config
        word, inputs, x, mask, seen = (asm.register(name) for name in ("word", "inputs", "x", "mask", "seen"))
        total, where, first, t = (asm.register(name) for name in ("total", "where", "first", "t"))

        def current() -> None:
            asm.load_word(seen, where)
            asm.accumulate(total, seen, x)
            with asm.when(Condition.PAIRS):
                asm.add(t, where, asm.constant(1))
                asm.load_word(seen, t)
                asm.subtract(seen, asm.constant(0), seen)
                asm.accumulate(total, seen, x)

        def whole() -> None:
            asm.set(mask, (1 << config.field_bits) - 1)

        def plane() -> None:
            asm.set(mask, 1)
            asm.add(inputs, inputs, inputs)
            asm.input(t, MachineInput.PLANE)
            asm.shift_by(inputs, inputs, t)

        asm.set(total, 0)
        asm.set(word, 0)
        with asm.repeat(config.words, Condition.ZERO):
            asm.output(MachineOutput.WORD, word)
            asm.input(inputs, MachineInput.WORD)
            if spare := config.words * config.rows_per_word - config.rows:
                # Inputs beyond the last row lead nowhere.
                asm.less(t, word, config.words - 1)
                with asm.when(Condition.ZERO):
                    asm.set(t, (1 << 32 - spare * config.field_bits) - 1)
                    asm.both(inputs, inputs, t)
            asm.either(Condition.CODES, whole, plane)
            asm.copy(where, first)
            # Rows after the last input of a word that is not 0 are left out.
            with asm.repeat(config.rows_per_word, Condition.ZERO):
                asm.both(x, inputs, mask)
                with asm.when(Condition.ZERO ^ NOT):
                    asm.either(Condition.CONVERTS, current, lambda: asm.accumulate(total, x, x))
                asm.add(where, where, asm.constant(config.columns))
                asm.shift(inputs, inputs, config.field_bits, logical=True)
            asm.set(t, config.rows_per_word * config.columns)
            asm.add(first, first, t)
            asm.add(word, word, asm.constant(1))
            asm.less(t, word, config.words)

    def _range(self, top: int) -> None:
        """Take the range ``code``, and the noise in it, for a converter whose largest code is ``top``."""
        asm, formats = self._asm, self._formats
        asm.set(asm.register("top"), top)
        shift = formats.gain_bits + formats.range_bits + 1 - formats.range_point - top.bit_length()
        asm.set(asm.register("gain_shift"), shift)
        asm.call(self._range_routine)

    def _write_range(self) -> None:
        """Write `adc_range` of the cell model; with read noise, the standard deviation follows."""
        asm, formats = self._asm, self._formats
        code, mantissa, field, full = (asm.register(name) for name in ("code", "mantissa", "field", "full"))
        gain, gain_shift, t = asm.register("range_gain"), asm.register("gain_shift"), asm.register("t")
        asm.set(t, (1 << formats.range_bits) - 1)
        asm.both(mantissa, code, t)
        asm.set(t, 1 << formats.range_bits)
        asm.add(mantissa, mantissa, t)
        asm.shift(field, code, formats.range_bits)
        asm.less(t, field, formats.range_exponent_max)
        with asm.when(Condition.NEGATIVE ^ NOT):
            asm.set(field, formats.range_exponent_max)
        # full = mantissa * 2**(field - range_point)
        asm.set(t, 61)
        asm.subtract(t, t, field)
        asm.shift_by(t, asm.constant(1 << 62), t)
        asm.multiply(full, t, mantissa, bits=16)
        asm.shift(full, full, formats.range_point)
        asm.subtract(t, full, asm.register("top"))

        def least() -> None:
            # One unit per code.
            asm.set(gain, 1 << formats.gain_bits - 1)
            asm.set(gain_shift, formats.gain_bits - 1)

        def usual() -> None:
            # The dividend is the top, with as many places more as its shift says, and half a mantissa.
            dividend = asm.register("dividend")
            asm.set(t, 61 - formats.range_point)
            asm.subtract(t, t, gain_shift)
            asm.shift_by(t, asm.constant(1 << 62), t)
            asm.multiply(dividend, t, asm.register("top"), bits=16)
            asm.shift(t, mantissa, 1)
            asm.add(dividend, dividend, t)
            asm.add(gain_shift, gain_shift, field)
            asm.multiply(asm.register("divisor"), mantissa, asm.constant(1 << QUOTIENT_BITS - 1), bits=QUOTIENT_BITS)
            assert self._do.divide is not None
            asm.call(self._do.divide)
            asm.copy(gain, asm.register("quotient"))
            asm.shift(t, gain, formats.gain_bits)
            with asm.when(Condition.ZERO ^ NOT):
                asm.add(gain, gain, asm.constant(1))
                asm.shift(gain, gain, 1)
                asm.subtract(gain_shift, gain_shift, asm.constant(1))

        asm.either(Condition.NEGATIVE, least, usual)
        if self._noisy:
            self._write_noise()

    def _write_noise(self) -> None:
        """Return the standard deviation, ``noise``, of conversions in this range whose cells have a ``variance``."""
        asm, model, formats = self._asm, self._model, self._formats
        upper, product, ku, ku_shift = (asm.register(name) for name in ("field", "full", "ku", "ku_shift"))
        t, unit = asm.register("t"), asm.constant(model.variance_unit)
        one = asm.constant(1)
        asm.shift(upper, asm.register("range_gain"), formats.gain_bits - 16)
        asm.multiply(product, upper, unit, bits=17)
        asm.multiply(ku, product, upper, bits=16)
        asm.set(t, model.variance_shift - 2 * (formats.gain_bits - 16) - 16 - 1)
        asm.add(ku_shift, asm.register("gain_shift"), asm.register("gain_shift"))
        asm.add(ku_shift, ku_shift, t)
        # Upper has 16 bits and the unit 16 or 17: the product has ku_bits and 29 to 33 more.
        asm.shift(ku, ku, 29)
        asm.set(t, 29)
        asm.subtract(ku_shift, ku_shift, t)
        with asm.repeat(5, Condition.ZERO):
            asm.shift(t, ku, formats.ku_bits)
            with asm.when(Condition.ZERO ^ NOT):
                asm.shift(ku, ku, 1)
                asm.subtract(ku_shift, ku_shift, one)
            asm.shift(t, ku, formats.ku_bits)
        # ku_shift is the shift less one: above 61 nothing is left, below -1 it goes the other way.
        asm.set(t, 61)
        asm.subtract(t, t, ku_shift)
        with asm.when(Condition.NEGATIVE):
            asm.set(ku, 0)
            asm.set(ku_shift, 61)
        asm.add(t, ku_shift, one)
        with asm.when(Condition.NEGATIVE):
            # A shift to the left by n multiplies by 2**62 shifted right by 62 - n.
            asm.set(t, 62)
            asm.add(t, t, ku_shift)
            asm.shift_by(t, asm.constant(1 << 62), t)
            asm.multiply(product, ku, t)
            asm.copy(ku, product)
            asm.set(ku_shift, -1)
        square, variance = asm.register("dividend"), asm.register("variance")
        asm.multiply(product, variance, ku)
        # Twice as much, one place further: the shift may be 0.
        asm.add(product, product, product)
        asm.add(t, ku_shift, one)
        asm.shift_by(square, product, t)
        asm.add(square, square, asm.constant(self._model.converter_variance))
        assert self._do.root is not None
        asm.call(self._do.root)
        asm.copy(asm.register("noise"), asm.register("quotient"))

    # --- conversion ----------------------------------------------------------------------------------------------

    def convert(self) -> None:
        """Convert on all channels that take part."""
        asm, channels = self._asm, self._config.adc_channels
        channel, t = asm.register("channel"), asm.register("t")
        asm.set(channel, 0)
        with asm.repeat(channels, Condition.ZERO):
            asm.output(MachineOutput.CHANNEL, channel)
            with asm.when(Condition.ACTIVE):
                asm.either(Condition.ROWS, self._sum, lambda: asm.copy(asm.register("total"), asm.register("current")))
                with asm.scope((*SUM_REGISTERS, *DIVISION_REGISTERS)):
                    self._convert_channel()
            asm.add(channel, channel, asm.constant(1))
            asm.less(t, channel, channels)
        asm.set(t, Job.CONVERT)
        asm.output(MachineOutput.FINISHED, t)

    def _output_number(self, output: int) -> None:
        """Return the column, or pair, that the channel converts."""
        asm = self._asm
        asm.input(output, MachineInput.COLUMN)
        with asm.when(Condition.ROWS):
            asm.add(output, output, asm.register("channel"))

    def _sum(self) -> None:
        """Sum the currents of an output."""
        asm = self._asm
        where, first = asm.register("where"), asm.register("first")
        self._output_number(where)
        with asm.when(Condition.PAIRS):
            asm.add(where, where, where)
        asm.set(first, self._at.grid)
        asm.add(first, first, where)
        asm.call(self._sum_routine)

    def _convert_channel(self) -> None:
        """Return the code of the current ``total``."""
        asm, model = self._asm, self._model
        where, count, z, bits = (asm.register(name) for name in ("where", "count", "z", "hash"))
        key, t, gain, trim = (asm.register(name) for name in ("key", "t", "gain", "trim"))
        noise, exact, code = asm.register("noisy"), asm.register("exact"), asm.register("value")
        one = asm.constant(1)
        asm.set(where, self._at.channels)
        asm.accumulate_times(where, asm.register("channel"), CHANNEL_RECORDS)
        asm.load(key, where)
        asm.add(where, where, one)
        asm.load(count, where)
        asm.add(t, count, one)
        asm.store(t, where)
        functions = self._functions
        if functions.channel_error is not None:
            asm.add(where, where, one)
            asm.load(asm.register("error"), where)
        drawn = {"key": "key", "count": ("count", 0, (1 << 48) - 1)}
        functions.write(functions.of.conversion_deviate, drawn, ("z",), scratch=("t",))
        if self._noisy:
            asm.multiply(noise, z, asm.register("noise"), bits=32)
        else:
            asm.multiply(noise, z, asm.constant(isqrt(model.converter_variance)), bits=32)
        if model.offset:
            self._add_offset(noise)
        # Half a code more, to be rounded down.
        asm.set(t, 1 << self._formats.read_gain_shift - 1)
        asm.add(noise, noise, t)
        asm.input(trim, MachineInput.TRIM)
        inputs = {"early": "error", "gain": "range_gain", "trim": "trim"}
        functions.write(functions.channel_gain, inputs, ("gain",), scratch=("t", "hash"))
        asm.multiply(exact, asm.register("total"), gain, bits=32)
        asm.multiply(bits, noise, asm.register("half"))
        asm.add(exact, exact, bits)
        asm.subtract(t, asm.register("gain_shift"), one)
        asm.shift_by(code, exact, t)
        self._clip(code)
        asm.output(MachineOutput.CODE, code)

    def _add_offset(self, noise: int) -> None:
        asm = self._asm
        where, t = asm.register("where"), asm.register("t")
        self._output_number(where)
        with asm.when(Condition.PAIRS):
            asm.set(t, self._config.columns)
            asm.add(where, where, t)
        asm.set(t, self._at.offsets)
        asm.add(where, where, t)
        asm.load(t, where)
        asm.add(noise, noise, t)

    def _clip(self, code: int) -> None:
        asm, model = self._asm, self._model
        t, low, high = asm.register("t"), asm.register("count"), asm.register("event")

        def bounds(least: int, most: int) -> Callable[[], None]:
            def write() -> None:
                asm.set(low, least)
                asm.set(high, most)

            return write

        asm.either(Condition.PAIRS, bounds(*model.pair_range), bounds(model.code_min, model.code_max))
        asm.subtract(t, high, code)
        with asm.when(Condition.NEGATIVE):
            asm.copy(code, high)
        asm.subtract(t, code, low)
        with asm.when(Condition.NEGATIVE):
            asm.copy(code, low)
