"""The groups of pulses of a write by the pulse table: which entry comes next, and what follows its pulses."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import PULSE_BITS
from twinbar.hw.protocol.registers import NEVER, UNCOUNTED, WRITE_TABLE
from twinbar.hw.protocol.sizes import ENTRY_BITS
from twinbar.hw.protocol.vocabulary import Record

from ..drive.write_drive import PulseUse
from .entry_choice import EntryChoice

WriteTable = WRITE_TABLE.word.layout
"""How a write goes by the pulse table."""


class TablePlan(wiring.Component):
    """Chooses the entries of the pulse table, and follows the groups of their pulses.

    Parameters
    ----------
    entries : int
        Of each polarity.
    code_bits : int
        Of the converters.

    Members
    -------
    settings : In(WriteTable)
        The register.
    start, begin_with : In
        A command may start with the next cycle, whose argument ``entry`` this is.
    resets, entry : In
        Arguments ``polarity`` and ``entry`` of the command that runs.
    selecting, deciding, recovering : In(1)
        The state of the tile.
    turning : In(1)
        A group ends with this cycle, and one of the other polarity follows unless halted.
    pulsed : In(1)
        First cycle of a pulse.
    first : In(1)
        No pulse was given yet.
    more : In(1)
        Pulses are left.
    below : In(1)
    short, excess : In
        See `VerdictSignature`.
    record, held, held_entry, use : In
        See `PulseSignature`.
    target : Out(Record)
    number : Out
        Polarity and entry that are pulsed next; they stay the same from SELECT, DECIDE or RECOVER to the next cycle.
    needed : Out(1)
        In SELECT and DECIDE: they take an update of the drive.
    again, turns, ends : Out(1)
        In RECOVER: another pulse of the group follows, a group of the other polarity does, the write ends.
    tolerated : Out(1)
        A code so close to its window is taken for good.
    """

    def __init__(self, entries: int, code_bits: int) -> None:
        self._entries, self._bits, self._code_bits = entries, (entries - 1).bit_length(), code_bits
        super().__init__(
            {
                "settings": In(WriteTable),
                "start": In(1),
                "begin_with": In(ENTRY_BITS),
                "resets": In(1),
                "entry": In(ENTRY_BITS),
                "selecting": In(1),
                "deciding": In(1),
                "recovering": In(1),
                "turning": In(1),
                "pulsed": In(1),
                "first": In(1),
                "more": In(1),
                "below": In(1),
                "short": In(self._code_bits),
                "excess": In(self._code_bits),
                "record": In(Record),
                "held": In(1),
                "held_entry": In(ENTRY_BITS),
                "use": In(PulseUse),
                "target": Out(Record),
                "number": Out(ENTRY_BITS),
                "needed": Out(1),
                "again": Out(1),
                "turns": Out(1),
                "ends": Out(1),
                "tolerated": Out(1),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        bits, record, settings = self._bits, self.record, self.settings
        last = (1 << bits) - 1
        offset, risen, fallen = Signal(bits), Signal(bits), Signal(bits)
        sum_, rest = Signal(ENTRY_BITS + 1), Signal(ENTRY_BITS + 1)
        m.d.comb += [sum_.eq(offset + settings.rise), rest.eq(offset - settings.fall)]
        m.d.sync += [
            risen.eq(Mux(sum_[bits:].any(), last, sum_)),
            fallen.eq(Mux(rest[-1], 0, rest)),
        ]

        # Two cycles after the offset, and one after what was pulsed, it is known for both polarities where it moves.
        # The first decision comes four cycles after a start, and a later one five after the decision before it.
        counted = Signal()
        m.d.sync += counted.eq((settings.shift != UNCOUNTED) & ~settings.compare)
        choices = {}
        for polarity, distance in ((Record.SET, self.short), (Record.RESET, self.excess)):
            choices[polarity] = choice = EntryChoice(self._entries, self._code_bits)
            m.submodules[f"choice_of_{polarity.name.lower()}"] = choice
            m.d.sync += choice.base.eq(Mux(self.first, offset, Mux(record == polarity, risen, fallen)))
            m.d.comb += [
                choice.held.eq(self.held_entry),
                choice.driven.eq(self.held & (record == polarity)),
                choice.counted.eq(counted),
                choice.shift.eq(settings.shift),
                choice.distance.eq(distance),
            ]
        up, down = choices[Record.SET], choices[Record.RESET]
        with m.If(self.start):
            m.d.sync += offset.eq(Mux(settings.keep, self.begin_with, 0))
        with m.Elif(self.deciding):
            m.d.sync += offset.eq(Mux(self.below, up.base, down.base))
        with m.Elif(self.turning):
            m.d.sync += offset.eq(fallen)

        # What is chosen in one cycle is looked at in the next one, too. In DECIDE it is known late.
        resets, entry, early = Signal(), Signal(bits), Signal(bits)
        chosen_resets, chosen_entry = Signal.like(resets), Signal.like(entry)
        m.d.comb += [resets.eq(chosen_resets), early.eq(chosen_entry)]
        with m.If(self.selecting):
            m.d.comb += [resets.eq(self.resets), early.eq(self.entry)]
        with m.Elif(self.recovering):
            m.d.comb += [resets.eq(record == Record.SET), early.eq(fallen)]
        with m.Elif(self.deciding):
            m.d.comb += resets.eq(~self.below)
        m.d.comb += entry.eq(Mux(self.deciding, Mux(self.below, up.number, down.number), early))
        m.d.sync += [chosen_resets.eq(resets), chosen_entry.eq(entry)]
        of_polarity = Mux(self.resets, record == Record.RESET, record == Record.SET)
        wanted = self.held & of_polarity & (self.held_entry[:bits] == self.entry)
        kept = Mux(self.below, up.same, down.same)
        m.d.comb += [
            self.target.eq(Mux(resets, Record.RESET, Record.SET)),
            self.number.eq(entry),
            self.needed.eq(~Mux(self.deciding, kept, wanted)),
        ]
        self._follow_group(m)
        self._lose_patience(m)
        return m

    def _follow_group(self, m: Module) -> None:
        """Count the pulses of a group."""
        given, done = Signal(PULSE_BITS), Signal()
        with m.If(self.selecting | self.deciding | self.turning):
            m.d.sync += given.eq(0)
        with m.Elif(self.pulsed):
            m.d.sync += given.eq(given + 1)
        m.d.comb += [
            done.eq(given == self.use.count),
            self.again.eq(~done & self.more),
            self.turns.eq(done & self.more & self.use.turns),
            self.ends.eq((done | ~self.more) & self.use.ends),
        ]

    def _lose_patience(self, m: Module) -> None:
        """Count down the pulses after which a near code is good enough."""
        settings, patience = self.settings, Signal(PULSE_BITS)
        with m.If(self.start):
            m.d.sync += patience.eq(settings.patience)
        with m.Elif(self.pulsed & patience.any()):
            m.d.sync += patience.eq(patience - 1)
        near = Mux(self.below, self.short < settings.slack, self.excess < settings.slack)
        m.d.comb += self.tolerated.eq(~patience.any() & (settings.patience != NEVER) & ~settings.compare & near)
