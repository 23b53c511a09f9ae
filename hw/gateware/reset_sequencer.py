"""A controller that needs no initial values: for a chip, where registers and memories begin with anything.

On an FPGA the configuration gives every register and every word of a memory its first value; a chip has none of that.
Here the reset gives registers their first values, those that an FPGA's reset leaves alone included, and a sequencer
writes the memories, one word of all of them in each cycle, while commands wait.
"""

from typing import Any, Final

from amaranth.hdl import Fragment, MemoryData, MemoryInstance, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.memory import Memory

from .pass_on import pass_on

_ADDRESS_BITS: Final = 16
_FLUSH_CYCLES: Final = 2
"""Cycles after the last word was written, in which registers behind memories take words that were written."""


class ResetPlatform:
    """Makes memories that a sequencer writes, and synchronizers with a reset, when a design is elaborated with it.

    Attributes
    ----------
    clearing : Signal
        Memories are being written.
    address : Signal
        The word.
    deepest : int
        Words of the deepest memory so far.
    """

    def __init__(self) -> None:
        self.clearing = Signal(init=1)
        self.address = Signal(_ADDRESS_BITS)
        self.deepest = 0

    def get_memory(self, memory: Memory) -> Module:
        """Return a memory without initial contents (called by Amaranth)."""
        assert memory.write_ports, "a memory that is never written would have no contents"
        m = Module()
        self.deepest = max(self.deepest, memory.depth)
        contents = MemoryData(shape=memory.shape, depth=memory.depth, init=())
        m.submodules.words = instance = MemoryInstance(data=contents, attrs=memory.attrs)
        writers = {}
        for number, port in enumerate(memory.write_ports):
            address, data, enable = (Value.cast(each) for each in (port.addr, port.data, port.en))
            if number == 0:
                address, data, enable = self._cleared(m, memory, address, data, enable)
            writers[port] = instance.write_port(domain=port.domain, addr=address, data=data, en=enable)
        for port in memory.read_ports:
            # A word that nobody asks for yet is read all the same, so that what is behind the memory is known.
            enable = port.en
            if port.domain != "comb":
                enable = Signal()
                m.d.comb += enable.eq(port.en | self.clearing)
            instance.read_port(
                domain=port.domain,
                addr=port.addr,
                data=port.data,
                en=enable,
                transparent_for=tuple(writers[writer] for writer in port.transparent_for),
            )
        return m

    def _cleared(self, m: Module, memory: Memory, address: Any, data: Any, enable: Any) -> tuple[Any, Any, Any]:
        """Return the signals of a port that the sequencer takes first."""
        shared = tuple(Signal(len(each)) for each in (address, data, enable))
        first = Signal(len(data))
        with m.Switch(self.address):
            for place, word in enumerate(memory.data.init._raw):
                if word:
                    with m.Case(place):
                        m.d.comb += first.eq(word)
        m.d.comb += [each.eq(given) for each, given in zip(shared, (address, data, enable), strict=True)]
        with m.If(self.clearing):
            here = self.address < memory.depth
            m.d.comb += [shared[0].eq(self.address), shared[1].eq(first), shared[2].eq(here.replicate(len(enable)))]
        return shared

    def get_ff_sync(self, synchronizer: FFSynchronizer) -> Fragment:
        """Return a synchronizer whose registers have a reset (called by Amaranth)."""
        plain = FFSynchronizer(
            synchronizer.i,
            synchronizer.o,
            o_domain=synchronizer._o_domain,
            init=synchronizer._init,
            reset_less=False,
            stages=synchronizer._stages,
        )
        return Fragment.get(plain, None)


class ResettableController(wiring.Component):
    """A controller whose reset gives everything its first value.

    Its members are those of the controller. After the reset, commands wait for the cycles of `reset_cycles`, in which
    ``busy`` is high; pins of the front end that show words of a memory are unknown until then.

    Parameters
    ----------
    controller : component
        `twinbar.hw.gateware.controller.Controller`, with pins or serial parts.
    reset : ResetPlatform, optional
        What makes its memories, or stands in for it.

    Attributes
    ----------
    reset : ResetPlatform
    reset_cycles : int
        From the end of the reset to the first cycle in which a command can be accepted; known once it is elaborated.
    """

    def __init__(self, controller: Any, reset: Any = None) -> None:
        self.controller = controller
        self.reset: Any = reset or ResetPlatform()
        self.reset_cycles = 0
        super().__init__(controller.signature)

    def elaborate(self, platform) -> Module:
        m = Module()
        reset, core = self.reset, self.controller
        m.submodules.core = fragment = Fragment.get(core, reset)
        _reset_all(fragment)
        self.reset_cycles = reset.deepest + _FLUSH_CYCLES
        last = self.reset_cycles - 1
        with m.If(reset.clearing):
            m.d.sync += [reset.address.eq(reset.address + 1), reset.clearing.eq(reset.address != last)]
        m.d.comb += [
            core.commands.payload.eq(self.commands.payload),
            core.commands.valid.eq(self.commands.valid & ~reset.clearing),
            self.commands.ready.eq(core.commands.ready & ~reset.clearing),
            self.busy.eq(core.busy | reset.clearing),
        ]
        pass_on(m, self, core, but=("commands", "busy"))
        return m


def _reset_all(fragment: Any) -> None:
    """Let the reset of the domain reset every register of a design, those that were to keep their values too."""
    for domain, statements in fragment.statements.items():
        if domain == "comb":
            continue
        for statement in statements:
            for signal in statement._lhs_signals():
                signal._reset_less = False
    for inner, *_ in fragment.subfragments:
        _reset_all(inner)
