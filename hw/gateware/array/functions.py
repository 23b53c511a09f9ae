"""The cell model's functions in the microprogram: routines for draws, and everything else in line."""

from collections.abc import Collection, Mapping, Sequence

from .assembler import Assembler, Routine
from .cell_functions import CellFunctions
from .expressions import Builder, Function, Step, StepKind, joined
from .hoisting import hoist
from .instructions import Condition
from .lowering import Convention, Lowering
from .memory_map import MemoryMap


class Functions:
    """Lowers the functions of a model.

    Parameters
    ----------
    asm : Assembler
    functions : CellFunctions
    at : MemoryMap
        Where the tables are.

    Attributes
    ----------
    of : CellFunctions
    cell_keys, channel_keys : Function
        Of ``tile``, what the keys of all its cells and channels have in common.
    cell_key : Function
        Of ``early`` (`cell_keys`) and ``cell``, its key.
    channel_error : Function or None
        Of ``tile`` and ``channel``, what is its own of a channel's gain; None if that is nothing.
    channel : Function
        Of ``early`` (`channel_keys`) and ``channel``, its key and `channel_error`, if there is one.
    channel_gain : Function
        Of ``gain`` and ``trim``, and ``early`` (`channel_error`) if there is one, the gain of a channel.
    adc_offset : list of Function
        Of ``early`` (`channel_keys`) and ``column``, the offset of a column, and that of a pair.
    """

    def __init__(self, asm: Assembler, functions: CellFunctions, at: MemoryMap) -> None:
        self._asm, self._at = asm, at
        self._conventions: dict[str, Convention] = {}
        self.of = functions
        self.cell_keys, self.cell_key = _hoist(functions.cell_key, "cell")
        self.channel_error, self.channel_gain = hoist(functions.channel_gain, ("gain", "trim"))
        errors = () if self.channel_error is None else (self.channel_error,)
        self.channel_keys, self.channel = _hoist(joined(functions.channel_key, *errors), "channel")
        self.adc_offset = [hoist(function, ("column",))[1] for function in functions.adc_offset]
        self._write_routine("mix", functions.mix, {"x": "hash"}, "hash", ("hash", "t"))
        self._write_routine(
            "event_bits", functions.event_bits, {"key": "key", "number": "event"}, "hash", ("hash", "t")
        )
        self._write_routine("gauss", functions.gauss, {"bits": "hash"}, "z", ("hash", "t", "z"))

    def _write_routine(
        self, name: str, function: Function, inputs: Mapping[str, str], result: str, scratch: Sequence[str]
    ) -> None:
        made: list[Routine] = []
        for register in (*inputs.values(), *scratch):
            self._asm.register(register)
        with self._asm.routine(made):
            changes = self.write(function, inputs, (result,), scratch=scratch, used_up=("hash",))
        self._conventions[name] = Convention(made[-1], tuple(inputs.values()), result, frozenset(changes))

    def write(
        self,
        function: Function,
        inputs: Mapping[str, str | Condition | tuple[str, int, int]],
        results: Sequence[str],
        *,
        scratch: Sequence[str],
        used_up: Collection[str] = (),
    ) -> set[str]:
        """Write a function in line; gives the registers that it writes to.

        Parameters
        ----------
        function : Function
        inputs : mapping of str to str, Condition or (str, int, int)
            Registers of the inputs, with a range where it is narrower than the function's; or a condition.
        results : sequence of str
            Registers of the results.
        scratch : sequence of str
            Registers for everything else.
        used_up : collection of str
            Registers of inputs that may be written to.
        """
        builder = Builder()
        places, homes = {}, {}
        for step in function.steps:
            if step.kind is StepKind.INPUT:
                name = str(step.detail)
                home = inputs[name]
                low, high = step.low, step.high
                if isinstance(home, tuple):
                    home, low, high = home
                places[name], homes[name] = builder.input(name, low, high), home
        values = builder.inline(function, places, self._read)
        lowering = Lowering(self._asm, builder, homes, scratch, self._conventions, used_up)
        lowering.write(dict(zip(results, values, strict=True)))
        return lowering.changes

    def _read(self, builder: Builder, place: int, step: Step) -> int:
        """Read an entry of a table where the memory has it."""
        match step.detail:
            case "gauss":
                return self._read_deviate(builder, place, step)
            case "set_gain" | "reset_gain":
                start = self._at.gain + (self._at.gain_words // 2 if step.detail == "reset_gain" else 0)
                return builder.load_word(builder.add(place, builder.number(start)), step.low, step.high)
            case "mean" | "sigma":
                record = builder.load_record(builder.add(place, builder.number(self._at.responses)))
                return builder.halves(record, upper=step.detail == "mean", low=step.low, high=step.high)
        raise AssertionError(step)

    def _read_deviate(self, builder: Builder, place: int, step: Step) -> int:
        """Read a deviate. The lower half of the quantiles is the upper half's mirror image."""
        upper = builder.subtract(place, builder.number(self._at.gain))
        mirrored = builder.exclusive(upper, builder.number(-1))
        below = builder.subtract(builder.number(0), builder.load_word(mirrored, 0, step.high))
        return builder.select(builder.less(upper, builder.number(0)), below, builder.load_word(upper, 0, step.high))


def _hoist(function: Function, late: str) -> tuple[Function, Function]:
    early, rest = hoist(function, (late,))
    assert early is not None
    return early, rest
