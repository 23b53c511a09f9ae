"""Bias of a write pulse: ISPP ramps, code windows, and what the write drive holds."""

from amaranth import Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.commands import Polarity
from twinbar.hw.protocol.registers import CODE_BITS, LINES, POLARITIES


class RampLayout(data.Struct):
    """Registers of one line and polarity."""

    start: CODE_BITS
    step: CODE_BITS
    stop: CODE_BITS
    low: CODE_BITS
    high: CODE_BITS


class Drive(data.Struct):
    """What the write drive holds."""

    amplitude: CODE_BITS
    gate: CODE_BITS
    polarity: Polarity


class Bias(wiring.Component):
    """Gives the codes of the next pulse and keeps those that are driven.

    The first pulse of a command, and each pulse behind a change of polarity, takes the start codes; every other pulse
    adds the step, capped at the stop. So the codes that are driven are all the state that a ramp has.

    Attributes
    ----------
    ramps : In
        Registers by polarity and line.
    raw, raw_drive : In
        Propose ``raw_drive`` instead of a ramp's codes.
    wanted : In
        Polarity of the next pulse.
    restart : In
        A new command begins: its first pulse takes the start codes.
    apply : In
        Drive the proposed codes.
    release, safe_amplitude, safe_gate : In
        Drive the safe codes, and forget what was driven.
    update : Out
        The proposed codes or polarity differ from what is driven: the drive has to settle.
    outside : Out
        A proposed code lies outside its window.
    drive, driven : Out
        What the drive holds; ``driven`` is low while that is the safe state.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "ramps": In(data.ArrayLayout(data.ArrayLayout(RampLayout, len(LINES)), len(POLARITIES))),
                "raw": In(1),
                "raw_drive": In(Drive),
                "wanted": In(Polarity),
                "restart": In(1),
                "apply": In(1),
                "release": In(1),
                "safe_amplitude": In(CODE_BITS),
                "safe_gate": In(CODE_BITS),
                "update": Out(1),
                "outside": Out(1),
                "drive": Out(Drive),
                "driven": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ramping = Signal()
        proposed = Signal(Drive)
        same = Signal()
        m.d.comb += [
            proposed.polarity.eq(self.wanted),
            same.eq(ramping & (self.drive.polarity == self.wanted)),
        ]
        outside = []
        for index, line in enumerate(LINES):
            ramp = Signal(RampLayout, name=f"{line}_ramp")
            stepped = Signal(CODE_BITS + 1, name=f"{line}_stepped")
            code = proposed[line]
            with m.Switch(self.wanted):
                for polarity in Polarity:
                    with m.Case(polarity):
                        m.d.comb += ramp.eq(self.ramps[int(polarity)][index])
            m.d.comb += stepped.eq(self.drive[line] + ramp.step)
            with m.If(self.raw):
                m.d.comb += code.eq(self.raw_drive[line])
            with m.Elif(same):
                m.d.comb += code.eq(Mux(stepped > ramp.stop, ramp.stop, stepped))
            with m.Else():
                m.d.comb += code.eq(ramp.start)
            outside.append((code < ramp.low) | (code > ramp.high))
        m.d.comb += [
            self.update.eq(~self.driven | (proposed.as_value() != self.drive.as_value())),
            self.outside.eq(outside[0] | outside[1]),
        ]
        with m.If(self.restart):
            m.d.sync += ramping.eq(0)
        with m.If(self.apply):
            m.d.sync += [self.drive.eq(proposed), self.driven.eq(1), ramping.eq(1)]
        with m.If(self.release):
            m.d.sync += [
                self.drive.amplitude.eq(self.safe_amplitude),
                self.drive.gate.eq(self.safe_gate),
                self.driven.eq(0),
                ramping.eq(0),
            ]
        return m
