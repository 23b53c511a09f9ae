"""The microprogram of an emulated array, and the cycles that it needs."""

from dataclasses import astuple, dataclass
from typing import Final

from ..controller_config import ControllerConfig
from .arithmetic import DIVISION_REGISTERS, Arithmetic
from .assembler import Assembler, Microcode, RegistersUsedUp, Routine
from .conversions import SUM_REGISTERS, Conversions
from .forming import Forming
from .functions import Functions
from .image import compress
from .instructions import REGISTERS, Condition
from .memory_map import MemoryMap, gains, responses_of, upper_deviates
from .model import ArrayModel
from .pulse_routine import PulseRoutine

_HANDSHAKE_CYCLES: Final = 8
"""From an event to the first instruction for it, and from the last one to the answer."""


@dataclass(frozen=True)
class ArrayCycles:
    """The longest that the array takes for what it is asked, in cycles.

    Parameters
    ----------
    read : int
        Of the register SETTLE_READ, with the range of the configuration (RANGE_READ is 0).
    read_range : int
        Of the register SETTLE_READ, with any range.
    multiply : int
        Of the register SETTLE_MULTIPLY.
    convert : int
        Of the register CONVERT.
    pulse : int
        Of the register RECOVER.
    form : int
        From power-up to the first command.
    """

    read: int
    read_range: int
    multiply: int
    convert: int
    pulse: int
    form: int

    @property
    def halt(self) -> int:
        """Of the register SELECT, if what follows a halt shall not wait either: what was halted is computed by then."""
        return max(self.read, self.read_range, self.multiply, self.convert, self.pulse)


@dataclass(frozen=True)
class ArrayProgram:
    """What the machine runs.

    Parameters
    ----------
    microcode : Microcode
    image : tuple of int
        Compressed tables; empty if memory starts with them.
    cycles : ArrayCycles
    """

    microcode: Microcode
    image: tuple[int, ...]
    cycles: ArrayCycles


def array_cycles(config: ControllerConfig, model: ArrayModel) -> ArrayCycles:
    """Return the longest that an array takes on any FPGA: how it fills its memory changes the program.

    Raises
    ------
    ConfigError
        If the array is too large.
    """
    programs = [_written(config, model, packed=packed)[1] for packed in (False, True)]
    return ArrayCycles(*map(max, *map(astuple, programs)))


def array_program(config: ControllerConfig, model: ArrayModel, *, packed: bool) -> ArrayProgram:
    """Write the microprogram of an array.

    Parameters
    ----------
    config : ControllerConfig
    model : ArrayModel
    packed : bool
        Whether tables are expanded at power-up, because memory starts without contents.

    Raises
    ------
    ConfigError
        If the array is too large.
    """
    microcode, cycles = _written(config, model, packed=packed)
    image = compress([*upper_deviates(model), *gains(model), *_signed(responses_of(model))]) if packed else []
    return ArrayProgram(microcode, tuple(image), cycles)


def _written(config: ControllerConfig, model: ArrayModel, *, packed: bool) -> tuple[Microcode, ArrayCycles]:
    """Write the program, with as many numbers in registers as there is room for."""
    for reserve in range(0, REGISTERS, 4):
        try:
            return _write(Assembler(reserve), config, model, packed=packed)
        except RegistersUsedUp:
            pass
    raise AssertionError("the program needs more registers than there are")


def _write(
    asm: Assembler, config: ControllerConfig, model: ArrayModel, *, packed: bool
) -> tuple[Microcode, ArrayCycles]:
    at = MemoryMap.of(config, model)
    begin = asm.skip()
    functions = Functions(asm, model.functions, at)
    arithmetic = Arithmetic(asm, divides=True, takes_roots=model.variance > 0)
    see = _write_see(asm, functions)
    forming = Forming(asm, model, (config.rows, config.columns, config.adc_channels), at, functions, see)
    conversions = Conversions(asm, model, config, at, arithmetic, functions)
    pulses = PulseRoutine(asm, model, (config.rows, config.columns), at, functions, see)
    with asm.scope((*SUM_REGISTERS, *DIVISION_REGISTERS)):
        entry = forming.write_entry() if packed else None
        asm.land(begin)
        asm.cycles = 0
        if entry is not None:
            forming.tables(entry)
    forming.keys()
    with asm.scope((*SUM_REGISTERS, *DIVISION_REGISTERS)):
        forming.channels()
        forming.cells()
    form = asm.cycles

    longest, ways = [], dict[str, int]()
    rest = asm.here
    asm.sleep()
    for condition, write, idle in (
        (Condition.PULSED, pulses.write, (*SUM_REGISTERS, *DIVISION_REGISTERS)),
        (Condition.CONNECTED, lambda: ways.update(conversions.connect()), ()),
        (Condition.CONVERTS, conversions.convert, ()),
    ):
        asm.cycles = 0
        with asm.when(condition), asm.scope(idle):
            write()
            asm.go(rest)
        longest.append(asm.cycles + _HANDSHAKE_CYCLES)
    asm.go(rest)
    pulse, _, convert = longest
    read, read_range, multiply = (ways[way] + _HANDSHAKE_CYCLES for way in ("own", "range", "rows"))
    cycles = ArrayCycles(read, read_range, multiply, convert, pulse, form)
    return asm.finish(), cycles


def _signed(tables: tuple[list[int], list[int]]) -> list[int]:
    mean, sigma = tables
    return [*sigma, *mean]


def _write_see(asm: Assembler, functions: Functions) -> Routine:
    """Round a conductance ``g`` to the read grid, as ``grid``."""
    made: list[Routine] = []
    asm.register("g")
    asm.register("grid")
    with asm.routine(made):
        functions.write(functions.of.see, {"g": "g"}, ("grid",), scratch=("t", "grid"))
    return made[-1]
