"""A controller without initial values has all of them a stated number of cycles after a reset."""

from collections.abc import Iterator
from typing import Any, Final

from amaranth.hdl import Array, Assume, Const, Cover, Instance, Module, ResetSignal, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory

from twinbar.hw.gateware.controller import Controller
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.pass_on import pass_on
from twinbar.hw.gateware.reset_sequencer import ResetPlatform, ResettableController
from twinbar.hw.parts.assembly import SerialParts
from twinbar.hw.verilog import without_initial_values

from .gate import always
from .solver import ProofNetlist
from .symbols import any_number, netlist_text, opened

_DEEPEST_BITS: Final = 16
_AGE_BITS: Final = 12


_GOES_ON: Final = frozenset(
    (
        *("acted", "action", "adding", "amount", "announced", "carries", "clock__first", "clock__next", "column"),
        *("command", "counted", "cut", "cycles", "faults", "first", "first_step", "fresh", "index", "last", "left"),
        *(
            "may_end",
            "may_trip",
            "misses_high",
            "misses_low",
            "nearly",
            "now",
            "outputs",
            "over",
            "pending",
            "plan",
            "product",
            "pulse__first",
        ),
        *("run", "single_wait", "so_far", "stage0", "stage1", "status", "steps__last_group", "steps__last_step"),
        *("stored", "target", "update", "waiting", "widths_before", "window"),
    )
)
"""Names of registers that change while a tile is at rest: timers, counts, faults, what memories and inputs show."""


class WatchedMemories:
    """A `ResetPlatform` that looks at any one word of each memory.

    Attributes
    ----------
    clearing, address : Signal
        See `ResetPlatform`.
    place : Signal
        Address of the word.
    memories : list of (Memory, Signal)
        With the word.
    """

    def __init__(self) -> None:
        self._reset = reset = ResetPlatform()
        self.clearing, self.address, self.get_ff_sync = reset.clearing, reset.address, reset.get_ff_sync
        self.place = Signal(_DEEPEST_BITS)
        self.memories: list[tuple[Memory, Signal]] = []

    @property
    def deepest(self) -> int:
        """Words of the deepest memory so far."""
        return self._reset.deepest

    def get_memory(self, memory: Memory) -> Module:
        """Return the memory with a further port (called by Amaranth)."""
        m = self._reset.get_memory(memory)
        word = Signal(Shape.cast(memory.shape).width, name="word")
        address = Signal(range(memory.depth), name="address")
        m.d.comb += address.eq(self.place)
        m.submodules.words.read_port(domain="comb", addr=address, data=word, en=Const(1), transparent_for=())
        self.memories.append((memory, word))
        return m


class ResetProof(wiring.Component):
    """A controller of a chip with any inputs; its registers and memories begin with anything.

    Parameters
    ----------
    config : ControllerConfig
    parts : SerialParts, optional
        Of its front end, unless that is direct.
    stays : bool
        Without options: what the reset has left is looked at until commands are accepted.
    """

    def __init__(self, config: ControllerConfig, parts: SerialParts | None = None, *, stays: bool = False) -> None:
        self._stays = stays
        self._core = ResettableController(Controller(config, parts), WatchedMemories())
        super().__init__(dict(self._core.signature.members))

    def elaborate(self, platform: Any) -> Module:
        """Build the proof."""
        m = Module()
        core = self._core
        m.submodules.core = inside = opened(core, None)
        pass_on(m, self, core)
        reset, cycles = core.reset, core.reset_cycles
        first, was_reset = Signal(), Signal(reset_less=True)
        m.submodules.is_first = Instance("$initstate", o_Y=first)
        m.d.sync += was_reset.eq(ResetSignal())
        m.d.comb += [Assume(~first | ResetSignal()), reset.place.eq(any_number(m, _DEEPEST_BITS, "place"))]
        behind = ~first & was_reset
        registers = list(registers_of(inside.submodules.core))
        for register in registers:
            always(m, ~behind | (register == register.init), "every register has its first value behind the reset")

        age = Signal(_AGE_BITS)  # cycles since the reset, the first one 0
        m.d.sync += age.eq(age + (age != cycles))
        known = ~first
        always(m, ~known | (reset.clearing == (age != cycles)), "the sequencer works for the stated cycles")
        always(m, ~known | ~reset.clearing | (reset.address == age), "")
        always(m, ~known | (age <= cycles), "")
        waits = known & (age != cycles)
        always(m, ~waits | ~self.commands.ready, "no command is accepted before")
        always(m, ~waits | self.busy, "the controller is busy until then")
        done = Signal()  # this is the first cycle behind
        m.d.sync += done.eq(age == cycles - 1)
        now = known & done & (age == cycles)
        for memory, word in reset.memories:
            values = Array(Const(value, len(word)) for value in memory.data.init._raw)
            right = (reset.place >= memory.depth) | (word == values[reset.place])
            written = (age == cycles) & done | (reset.place < age)
            always(m, ~known | (age == cycles) & ~done | ~written | right, "every memory holds its first contents then")
        for register in registers if self._stays else ():
            if register.name not in _GOES_ON and "$" not in register.name:
                right = (age == cycles) & ~done | (register == register.init)
                always(
                    m, ~known | right, "until then, mode, settings, gates and queues stay as the reset has left them"
                )
        m.d.comb += Cover(waits & self.commands.valid & (age == 3))
        if self._stays:
            m.d.comb += Cover(now & self.commands.valid & self.commands.ready)
        return m


def registers_of(fragment: Any) -> Iterator[Any]:
    """Give the registers of a design, those of its parts among them."""
    for domain, statements in fragment.statements.items():
        if domain != "comb":
            yield from {id(each): each for statement in statements for each in statement._lhs_signals()}.values()
    for inner, *_ in fragment.subfragments:
        yield from registers_of(inner)


def chip(config: ControllerConfig, parts: SerialParts | None = None, *, stays: bool = False) -> ProofNetlist:
    """Return a controller of a chip with its properties (`ResetProof`), and without initial values."""
    text = netlist_text(ResetProof(config, parts, stays=stays)).replace("cell \\$initstate ", "cell $initstate ")
    return ProofNetlist(without_initial_values(text))
