"""A structured assembler for the array's machine. It knows the longest way through what it has written."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from .instructions import (
    IMMEDIATE_BITS,
    JUMP_CYCLES,
    JUMPS,
    MASK,
    MULTIPLICATIONS,
    NOT,
    REGISTERS,
    STORES,
    Condition,
    MachineInput,
    MachineOutput,
    Operation,
    cycles,
    encode,
    encode_number,
)

_LARGEST_IMMEDIATE: Final = (1 << IMMEDIATE_BITS - 1) - 1
_POWER: Final = 1 << 62
"""A constant from which others are shifted."""
_ROUND_BITS: Final = 3
_NO_DESTINATION: Final = (*JUMPS, *STORES, Operation.SLEEP, Operation.OUTPUT)
_DEPTH: Final = 2
"""Routines that can wait for one another."""


def _is_round(value: int) -> bool:
    return 0 <= value < _POWER and value.bit_count() <= _ROUND_BITS


class RegistersUsedUp(Exception):
    """The program needs more registers than there are."""


@dataclass(frozen=True)
class Routine:
    """A piece of program that is called.

    Parameters
    ----------
    address : int
    cycles : int
        Of the longest way through it, call and return included.
    depth : int
        Routines that wait for one another while it runs, itself included.
    """

    address: int
    cycles: int
    depth: int


@dataclass(frozen=True)
class Microcode:
    """A program for the machine.

    Parameters
    ----------
    instructions : tuple of int
    registers : dict of int to int
        Registers that hold something at power-up.
    """

    instructions: tuple[int, ...]
    registers: dict[int, int]


@dataclass
class Assembler:
    """Writes instructions one after another.

    ``cycles`` counts the cycles of the longest way through what was written since it was last set to 0.

    Parameters
    ----------
    reserve : int
        Registers that numbers of several bits do not take. Such a number takes several instructions without a register.
    """

    reserve: int = 0
    instructions: list[int] = field(default_factory=list)
    cycles: int = 0
    _registers: dict[str, int] = field(default_factory=dict)
    _constants: dict[int, int] = field(default_factory=dict)
    _depth: int = 0
    _free: list[int] = field(default_factory=list)
    _taken: int = 0

    # --- registers -----------------------------------------------------------------------------------------------

    def register(self, name: str) -> int:
        """Return the register of a name."""
        if name not in self._registers:
            self._registers[name] = self._free.pop() if self._free else self._take()
        return self._registers[name]

    def constant(self, value: int) -> int:
        """Return a register that holds a number, modulo 2**64. Nothing may be written to it."""
        value &= MASK
        if value not in self._constants:
            self._constants[value] = self._take()
        return self._constants[value]

    def _take(self) -> int:
        if self._taken == REGISTERS:
            raise RegistersUsedUp
        self._taken += 1
        return self._taken - 1

    @contextmanager
    def scope(self, idle: Iterable[str] = ()) -> Iterator[None]:
        """Forget at its end the names that are new in it; other scopes use their registers again.

        Parameters
        ----------
        idle : iterable of str
            Names whose registers hold nothing that is needed after the scope, nor are used by what it calls: new names
            may take them.
        """
        lent = {name: self._registers.pop(name) for name in idle if name in self._registers}
        self._free += lent.values()
        self._free.sort(reverse=True)
        outside = set(self._registers)
        yield
        for name in set(self._registers) - outside:
            self._free.append(self._registers.pop(name))
        self._registers |= lent
        self._free = sorted(set(self._free) - set(lent.values()), reverse=True)

    # --- operations ----------------------------------------------------------------------------------------------

    def _emit(self, operation: Operation, destination: int = 0, a: int = 0, b: int = 0) -> None:
        assert operation in _NO_DESTINATION or destination not in self._constants.values()
        self.instructions.append(encode(operation, destination, a, b))
        self.cycles += cycles(operation)

    def set(self, destination: int, value: int) -> None:
        """Set a register to a number; a small or nearly round one takes none of the registers for constants."""
        if self.is_short(value):
            self.instructions.append(encode_number(Operation.IMMEDIATE, destination, value))
            self.cycles += cycles(Operation.IMMEDIATE)
        elif self.is_constant(value):
            self.copy(destination, self.constant(value))
        else:
            places = [place for place in range(value.bit_length()) if value >> place & 1]
            parts = [destination, *[self.register("part")] * (len(places) - 1)]
            for part, place in zip(parts, places, strict=True):
                self.shift(part, self.constant(_POWER), _POWER.bit_length() - 1 - place)
                if part != destination:
                    self.add(destination, destination, part)

    @staticmethod
    def is_short(value: int) -> bool:
        """Whether a number takes one instruction and no register."""
        return -_LARGEST_IMMEDIATE - 1 <= value <= _LARGEST_IMMEDIATE

    def is_constant(self, value: int) -> bool:
        """Whether a number has a register for constants, or is given one where it is needed."""
        if value & MASK in self._constants or value in (0, 1):
            return True
        if self.is_short(value):
            return False
        return not _is_round(value) or (value.bit_count() > 1 and self._taken < REGISTERS - self.reserve)

    def copy(self, destination: int, a: int) -> None:
        """Copy a register; the flags tell what was copied."""
        self.add(destination, a, self.constant(0))

    def add(self, destination: int, a: int, b: int) -> None:
        """Add."""
        self._emit(Operation.ADD, destination, a, b)

    def subtract(self, destination: int, a: int, b: int) -> None:
        """Subtract ``b`` from ``a``."""
        self._emit(Operation.SUBTRACT, destination, a, b)

    def less(self, destination: int, a: int, number: int) -> None:
        """Subtract a number from another register's."""
        assert destination != a
        if -_LARGEST_IMMEDIATE <= number <= _LARGEST_IMMEDIATE:
            self.set(destination, -number)
            self.add(destination, a, destination)
        elif number not in self._constants and _is_round(number):
            self.set(destination, number)
            self.subtract(destination, a, destination)
        else:
            self.subtract(destination, a, self.constant(number))

    def both(self, destination: int, a: int, b: int) -> None:
        """And, bit by bit."""
        self._emit(Operation.AND, destination, a, b)

    def xor(self, destination: int, a: int, b: int) -> None:
        """Exclusive or, bit by bit."""
        self._emit(Operation.XOR, destination, a, b)

    def multiply(self, destination: int, a: int, b: int, bits: int = 64) -> None:
        """Multiply by ``b``, whose bits above ``bits`` are 0; the low 64 bits of the product."""
        assert destination not in (a, b)
        self._emit(Operation.MULTIPLY, destination, a, b)
        for operation, place in MULTIPLICATIONS.items():
            if 0 < place < -(-bits // 16):
                self._emit(operation, destination, a, b)

    def accumulate(self, destination: int, a: int, b: int) -> None:
        """Add the product of ``a`` and the low 16 bits of ``b``."""
        assert destination not in (a, b)
        self._emit(Operation.ACCUMULATE_0, destination, a, b)

    def accumulate_times(self, destination: int, a: int, number: int) -> None:
        """Add the product of ``a`` and a number of 16 bits."""
        factor = self.register("part")
        self.set(factor, number)
        self.accumulate(destination, a, factor)

    def accumulate_high(self, destination: int, a: int, place: int) -> None:
        """Add ``a`` times 2**16 (``place`` 1) or 2**32 (2)."""
        operation = (Operation.ACCUMULATE_1, Operation.ACCUMULATE_2)[place - 1]
        self._emit(operation, destination, a, self.constant(1 << 16 * place))

    def shift(self, destination: int, a: int, places: int, *, logical: bool = False) -> None:
        """Shift right."""
        assert 1 <= places <= 64
        self._emit(Operation.SHIFT_LOGICAL if logical else Operation.SHIFT_SIGNED, destination, a, places - 1)

    def shift_by(self, destination: int, a: int, less_one: int) -> None:
        """Shift right, signed, by one more than a register says (0 to 63)."""
        self._emit(Operation.SHIFT_BY, destination, a, less_one)

    def load(self, destination: int, record: int) -> None:
        """Load a record of four words."""
        self._emit(Operation.LOAD, destination, 0, record)

    def load_word(self, destination: int, address: int) -> None:
        """Load a word."""
        self._emit(Operation.LOAD_WORD, destination, 0, address)

    def load_image(self, destination: int, address: int) -> None:
        """Load a word of the image."""
        self._emit(Operation.LOAD_IMAGE, destination, 0, address)

    def store(self, a: int, record: int) -> None:
        """Store a record of four words."""
        self._emit(Operation.STORE, 0, a, record)

    def store_word(self, a: int, address: int) -> None:
        """Store a word."""
        self._emit(Operation.STORE_WORD, 0, a, address)

    def input(self, destination: int, source: MachineInput) -> None:
        """Look at an input."""
        self._emit(Operation.INPUT, destination, source)

    def output(self, sink: MachineOutput, a: int) -> None:
        """Set an output."""
        self._emit(Operation.OUTPUT, sink, a)

    def sleep(self) -> None:
        """Wait until there is something to do."""
        self._emit(Operation.SLEEP)

    # --- control -------------------------------------------------------------------------------------------------

    def _jump(self, condition: int) -> int:
        """Write a jump to somewhere; gives its place."""
        self.instructions.append(encode(Operation.JUMP, condition))
        self.cycles += JUMP_CYCLES
        return len(self.instructions) - 1

    def _aim(self, jump: int, condition: int, target: int | None = None) -> None:
        aim = len(self.instructions) if target is None else target
        self.instructions[jump] = encode_number(Operation.JUMP, condition, aim)

    @property
    def here(self) -> int:
        """Place of the next instruction."""
        return len(self.instructions)

    def skip(self) -> int:
        """Jump over what is written up to `land`."""
        return self._jump(Condition.ALWAYS)

    def land(self, jump: int) -> None:
        """Be the target of a `skip`."""
        self._aim(jump, Condition.ALWAYS)

    def go(self, target: int) -> None:
        """Jump."""
        self._aim(self._jump(Condition.ALWAYS), Condition.ALWAYS, target)

    @contextmanager
    def when(self, condition: int) -> Iterator[None]:
        """Run what is written inside if a condition (plus `NOT`, its contrary) holds."""
        jump = self._jump(condition ^ NOT)
        yield
        self._aim(jump, condition ^ NOT)

    def either(self, condition: int, so: Callable[[], None], otherwise: Callable[[], None]) -> None:
        """Run ``so`` if a condition holds, else ``otherwise``."""
        jump = self._jump(condition ^ NOT)
        before = self.cycles
        so()
        out = self._jump(Condition.ALWAYS)
        taken, self.cycles = self.cycles, before
        self._aim(jump, condition ^ NOT)
        otherwise()
        self._aim(out, Condition.ALWAYS)
        self.cycles = max(taken, self.cycles)

    @contextmanager
    def repeat(self, times: int, until: int) -> Iterator[None]:
        """Run what is written inside until a condition holds at its end: after ``times`` at the latest."""
        before, start = self.cycles, len(self.instructions)
        yield
        self._aim(self._jump(until ^ NOT), until ^ NOT, start)
        self.cycles = before + times * (self.cycles - before)

    @contextmanager
    def routine(self, made: "list[Routine]") -> Iterator[None]:
        """Write a routine; it is appended to ``made`` when it is complete."""
        outside, self.cycles, self._depth = self.cycles, 0, 0
        address = len(self.instructions)
        yield
        self._emit(Operation.RETURN)
        made.append(Routine(address, self.cycles + JUMP_CYCLES, self._depth + 1))
        assert self._depth + 1 <= _DEPTH
        self.cycles = outside

    def call(self, routine: Routine) -> None:
        """Call a routine."""
        self.instructions.append(encode_number(Operation.CALL, 0, routine.address))
        self.cycles += routine.cycles
        self._depth = max(self._depth, routine.depth)

    def finish(self) -> Microcode:
        """Return the program."""
        return Microcode(tuple(self.instructions), {place: value for value, place in self._constants.items()})
