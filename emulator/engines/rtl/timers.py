"""Finds the registers of a netlist that do nothing but count, so that a simulation can skip the cycles in between.

In most cycles of a controller nothing moves but a few counters: of the cycles of a phase, of the watchdog. Such a cycle
may be skipped if the netlist itself shows that it changes nothing else. A register ``t`` is a *timer* if

* its next value is ``t + 1`` or ``t - 1`` behind multiplexers (its *paths*: it moves while they select one), and
* everything else that reads ``t`` is a *watch*, a comparison whose result is a bit and whose other operand is no timer,
  or a cell that reads a single high bit; or it sits behind a multiplexer that does not select it (a *guard*). A watch
  whose result only multiplexers read matters while one of them selects it.

Take a cycle in which every other register keeps its value, no memory is written, and guards of timers that move hold.
While no watch changes its result and no input changes, the next cycles are like it, and the timers go on by one step
each. `TimerComparison` says how long that is. A register of which this cannot be shown is not a timer: it makes a
simulation slower, not wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain

from twinbar.emulator.engines.rtl.rtlil import Bit, Cell, Netlist, signal_text

_MULTIPLEXERS = ("$mux", "$pmux")
_EQUALITIES = ("$eq", "$ne")
_ORDERS = ("$lt", "$le", "$gt", "$ge")
_STORING = ("$dff", "$memrd_v2", "$memwr_v2")
_SELDOM = 3
"""Least position of a bit that is worth watching by itself: a lower one changes every few cycles."""
_ZERO_TESTS = ("$reduce_or", "$reduce_bool", "$logic_not")

RESET = (("\\rst", 0),)
"""The reset input, which a simulation never asserts."""


class Bound(Enum):
    """When the result of a watch can change."""

    EQUAL = "equal"
    """When the value reaches or leaves the target."""
    ORDER = "order"
    """When the value passes the target, or wraps."""
    UPPER = "upper"
    """When a bit above the watched ones' lowest changes."""


@dataclass(frozen=True)
class TimerComparison:
    """A comparison that reads a timer.

    Parameters
    ----------
    bound : Bound
    offset : int
        What is added to the timer before it is compared.
    low, bits : int
        Bits that are compared, from ``low`` on.
    target : tuple of Bit
        What they are compared with.
    uses : tuple of Select, optional
        Inputs of multiplexers, if nothing else reads the result.
    """

    bound: Bound
    offset: int
    low: int
    bits: int
    target: tuple[Bit, ...] = ()
    uses: "tuple[Select, ...] | None" = None


@dataclass(frozen=True)
class Select:
    """A data input of a multiplexer.

    Parameters
    ----------
    select : tuple of Bit
        Select bits of the multiplexer.
    position : int
        Position of the bit that selects the input; -1 is the default.
    """

    select: tuple[Bit, ...]
    position: int


@dataclass
class Timer:
    """A register that counts.

    Parameters
    ----------
    register : str
    width : int
    step : int
        1 or -1.
    paths : list of list of Select
    guards : list of Select
    watches : list of TimerComparison
    """

    register: str
    width: int
    step: int
    paths: list[list[Select]]
    guards: list[Select] = field(default_factory=list)
    watches: list[TimerComparison] = field(default_factory=list)


def find_timers(netlist: Netlist) -> list[Timer]:
    """Find the timers of a netlist, in the order of their names."""
    drivers = {bit: cell for cell in netlist.cells for port in cell.outputs for bit in cell.ports[port]}
    found = [_timer_of(cell, netlist, drivers) for cell in netlist.cells if cell.kind == "$dff"]
    return sorted((timer for timer in found if timer is not None), key=lambda timer: timer.register)


def _timer_of(dff: Cell, netlist: Netlist, drivers: dict[Bit, Cell]) -> Timer | None:
    register = dff.ports["\\Q"]
    name = register[0][0]
    if len(register) < 2 or register != [(name, position) for position in range(netlist.widths[name])]:
        return None
    found = _paths(dff.ports["\\D"], register, drivers)
    if found is None:
        return None
    step, paths = found
    timer = Timer(name, len(register), step, [[select for _, select in path] for path in paths])
    own = {(mux.name, select.position) for path in paths for mux, select in path}
    harmless = _Readers(timer, dff, own, netlist).are_harmless()
    # Where it moves only while somebody takes its value, no cycle could ever be skipped.
    return timer if harmless and any(not set(path) & set(timer.guards) for path in timer.paths) else None


_Paths = tuple[int, list[list[tuple[Cell, Select]]]]
"""The step, and the inputs of multiplexers that must be selected, by each way."""


def _paths(value: list[Bit], register: list[Bit], drivers: dict[Bit, Cell]) -> _Paths | None:
    """Find the ways from a register's next value back to its sum with 1 or -1: those with the step of the first."""
    cell = drivers.get(value[0])
    if cell is None:
        return None
    if (step := _step_of(cell, register)) and cell.ports["\\Y"][: len(value)] == value:
        return step, [[]]
    if cell.kind not in _MULTIPLEXERS or cell.ports["\\Y"] != value:
        return None
    steps, paths = 0, []
    for position, data in _inputs(cell):
        behind = _paths(data, register, drivers)
        if behind is not None and steps in (0, behind[0]):
            steps = behind[0]
            here = (cell, Select(tuple(cell.ports["\\S"]), position))
            paths += [[here, *path] for path in behind[1]]
    return (steps, paths) if paths else None


def _step_of(cell: Cell, register: list[Bit]) -> int:
    """Return what a cell adds to the whole register: 1 or -1, or 0 if it does something else."""
    if cell.kind not in ("$add", "$sub") or cell.signed or cell.ports["\\A"] != register:
        return 0
    is_one = cell.ports["\\B"][:1] == ["1"] and set(cell.ports["\\B"][1:]) <= {"0"}
    return is_one * (1 if cell.kind == "$add" else -1)


def _inputs(mux: Cell) -> Iterator[tuple[int, list[Bit]]]:
    """Return the data inputs of a multiplexer, with the positions of their select bits."""
    width = len(mux.ports["\\Y"])
    yield -1, mux.ports["\\A"]
    for position in range(len(mux.ports["\\S"])):
        yield position, mux.ports["\\B"][position * width : (position + 1) * width]


class _Readers:
    """Everything that depends on a register, up to watches and guards."""

    def __init__(self, timer: Timer, dff: Cell, own: set[tuple[str, int]], netlist: Netlist) -> None:
        self._timer, self._dff, self._own, self._netlist = timer, dff, own, netlist
        register = dff.ports["\\Q"]
        # Bits of the register plus an offset: the offset and the position.
        self._exact = {bit: (0, position) for position, bit in enumerate(register)}
        for cell, _ in netlist.readers[register[0]]:
            if step := _step_of(cell, register):
                self._exact |= {bit: (step, position) for position, bit in enumerate(cell.ports["\\Y"])}
        self._depends = self._closure(set(register))

    def _closure(self, depends: set[Bit]) -> set[Bit]:
        """Return all bits that depend on the register."""
        pending = list(depends)
        while pending:
            for cell, port in self._netlist.readers[pending.pop()]:
                if port in ("\\A", "\\B") and not self._ends(cell, port, depends):
                    fresh = set(cell.ports["\\Y"]) - depends
                    depends |= fresh
                    pending += fresh
        return depends

    def _ends(self, cell: Cell, port: str, depends: set[Bit]) -> bool:
        """Whether what reads the register ends at a cell."""
        if cell.kind in _MULTIPLEXERS:
            own = (data for position, data in _inputs(cell) if (cell.name, position) in self._own)
            return not any(depends & set(data) for data in own)
        return self._watch(cell, port, depends) is not None

    def are_harmless(self) -> bool:
        """Note the watches and guards; whether there is nothing else."""
        if self._depends & self._netlist.port_bits:
            return False
        readers = {(cell.name, port): cell for bit in self._depends for cell, port in self._netlist.readers[bit]}
        for (_, port), cell in readers.items():
            if cell is self._dff:
                continue
            if cell.kind in _MULTIPLEXERS and port in ("\\A", "\\B"):
                for position, data in _inputs(cell):
                    guard = Select(tuple(cell.ports["\\S"]), position)
                    taken = self._depends & set(data) and (cell.name, position) not in self._own
                    if taken and not self._leads_back(cell) and guard not in self._timer.guards:
                        self._timer.guards.append(guard)
            elif watch := self._watch(cell, port, self._depends):
                if watch not in self._timer.watches:
                    self._timer.watches.append(watch)
            elif port not in ("\\A", "\\B"):
                return False  # a register, a memory, or a multiplexer's choice
        return True

    def _leads_back(self, mux: Cell) -> bool:
        """Whether a multiplexer of the paths leads to nothing but the register: what it selects is no matter then."""
        muxes = {name for name, _ in self._own}
        readers = (reader for bit in mux.ports["\\Y"] for reader in self._netlist.readers[bit])
        return mux.name in muxes and all(
            cell is self._dff or (cell.name in muxes and port in ("\\A", "\\B")) for cell, port in readers
        )

    def _watch(self, cell: Cell, port: str, depends: set[Bit]) -> TimerComparison | None:
        """Return the watch that a cell is."""
        if (bit := self._single_bit(cell, port, depends)) is not None:
            return TimerComparison(Bound.UPPER, *bit, self._timer.width)
        if cell.signed or cell.kind not in (*_EQUALITIES, *_ORDERS, *_ZERO_TESTS, "$reduce_and"):
            return None
        compared = list(cell.ports[port])
        while compared and compared[-1] == "0":  # extended by zeros
            compared.pop()
        if not compared or any(bit not in self._exact for bit in compared):
            return None
        places = [self._exact[bit] for bit in compared]
        offset, low = places[0]
        if places != [(offset, low + number) for number in range(len(places))]:
            return None
        target: list[Bit] = ["1" if cell.kind == "$reduce_and" else "0"] * len(places)
        if cell.kind in (*_EQUALITIES, *_ORDERS):
            target = cell.ports["\\B" if port == "\\A" else "\\A"]
            if depends & set(target):
                return None
        bits = min(len(places), self._timer.width)
        uses = self._uses(cell.ports["\\Y"][0])
        if low:
            return TimerComparison(Bound.UPPER, offset, low, bits, uses=uses)
        padded = [*target, *["0"] * bits][:bits]
        return TimerComparison(
            Bound.ORDER if cell.kind in _ORDERS else Bound.EQUAL, offset, 0, bits, tuple(padded), uses
        )

    def _single_bit(self, cell: Cell, port: str, depends: set[Bit]) -> tuple[int, int] | None:
        """Return offset and position of the one bit of a timer that a cell reads, if it seldom changes."""
        ports = ("\\S",) if cell.kind in _MULTIPLEXERS else [name for name in cell.ports if name not in cell.outputs]
        read = {bit for name in ports for bit in cell.ports[name]} & depends
        if cell.kind in _STORING or len(read) != 1 or read != depends & set(cell.ports[port]):
            return None
        offset, position = self._exact.get(read.pop(), (0, 0))
        return (offset, position) if position >= _SELDOM else None

    def _uses(self, result: Bit) -> tuple[Select, ...] | None:
        """Return the inputs of multiplexers that read a bit, if nothing else reads it."""
        uses = []
        for cell, port in self._netlist.readers[result]:
            if cell.kind not in _MULTIPLEXERS or port == "\\S":
                return None
            uses += [Select(tuple(cell.ports["\\S"]), at) for at, data in _inputs(cell) if result in data]
        return None if result in self._netlist.port_bits else tuple(dict.fromkeys(uses))


def signals_of(timers: list[Timer]) -> dict[tuple[Bit, ...], str]:
    """Name the signals that say how long timers may go on: their selects, and the targets of their watches."""
    uses = [use for timer in timers for watch in timer.watches for use in watch.uses or ()]
    selects = [select.select for timer in timers for select in (*chain(*timer.paths), *timer.guards)]
    selects += [use.select for use in uses]
    targets = [watch.target for timer in timers for watch in timer.watches]
    wanted = [bits for bits in (*selects, *targets) if bits != RESET and not all(isinstance(bit, str) for bit in bits)]
    return {bits: f"timing_{number}" for number, bits in enumerate(dict.fromkeys(wanted))}


def with_outputs(text: str, signals: dict[tuple[Bit, ...], str]) -> str:
    """Return signals ports in the text of a flattened module."""
    ports = 1 + sum(line.lstrip().startswith("wire") for line in text.splitlines())
    lines = []
    for number, (bits, name) in enumerate(signals.items()):
        lines.append(f"  wire width {len(bits)} output {ports + number} \\{name}")
        lines.append(f"  connect \\{name} {signal_text(bits)}")
    return text[: text.rindex("end")] + "\n".join(lines) + "\nend\n"
