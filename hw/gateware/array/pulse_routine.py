"""The microprogram after a write pulse: the cell's conductance, as `apply_pulse` of the cell model gives it."""

from .assembler import Assembler, Routine
from .forming import CONDUCTANCE_BITS
from .functions import Functions
from .instructions import Condition, Job, MachineInput, MachineOutput
from .memory_map import MemoryMap
from .model import ArrayModel

PULSES_PLACE = 32
"""Bit of a cell's record from which on its pulses are counted."""


class PulseRoutine:
    """Writes what happens when the write gate has closed.

    Parameters
    ----------
    asm : Assembler
    model : ArrayModel
    shape : (int, int)
        Rows and columns.
    at : MemoryMap
    functions : Functions
    see : Routine
        Rounds ``g`` to the read grid, as ``grid``.
    """

    def __init__(
        self,
        asm: Assembler,
        model: ArrayModel,
        shape: tuple[int, int],
        at: MemoryMap,
        functions: Functions,
        see: Routine,
    ) -> None:
        self._asm, self._model, self._at, self._do, self._see = asm, model, at, functions, see
        self._columns, self._cells = shape[1], shape[0] * shape[1]

    def write(self) -> None:
        """Apply a pulse to its cell."""
        asm, at = self._asm, self._at
        t, cell, record, where = (asm.register(name) for name in ("t", "value", "record", "where"))
        asm.input(t, MachineInput.PULSE_ROW)
        asm.input(cell, MachineInput.PULSE_COLUMN)
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
        asm.output(MachineOutput.FINISHED, t)

    def _move(self) -> None:
        """Change the conductance in ``record``, and what reads see of the cell."""
        asm, do = self._asm, self._do
        t, record, g, where = (asm.register(name) for name in ("t", "record", "g", "where"))
        for name in ("key", "event", "count", "before", "z"):
            asm.register(name)
        asm.both(asm.register("before"), record, asm.constant((1 << CONDUCTANCE_BITS) - 1))
        asm.shift(asm.register("count"), record, PULSES_PLACE, logical=True)
        cell = ("value", 0, self._cells - 1)
        do.write(do.cell_key, {"early": "cell_keys", "cell": cell}, ("key",), scratch=("t", "where"))
        inputs = {"g": "before", "key": "key", "count": "count", "resets": Condition.RESETS}
        do.write(do.of.pulse, inputs, ("g",), scratch=("t", "where", "gain", "response"))
        asm.subtract(t, g, asm.register("before"))
        asm.add(record, record, t)
        asm.call(self._see)
        asm.set(where, self._at.grid)
        asm.add(where, where, asm.register("value"))
        asm.store_word(asm.register("grid"), where)
