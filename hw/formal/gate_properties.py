"""What is proven of a tile's write gate, for every sequence of inputs, commands and register values."""

from amaranth import Module, Signal, Value
from amaranth.hdl import Assert, Elaboratable

from twinbar.hw.gateware.front_end import Selection
from twinbar.hw.protocol.registers import WIDTH_BITS
from twinbar.hw.timing import PHASES, Phase


class GateProperties(Elaboratable):
    """Assertions that `twinbar.hw.gateware.tile.Tile` carries when it is elaborated for the platform ``"formal"``.

    Parameters
    ----------
    write_gate, read_enable, convert, selection, phase : Value
        Pins and phase of the tile.
    armed, faults : Value
        State of safety.
    limit_width : Value
        Register.
    opened_before : Value
        The guard's own count of the cycles for which the gate has been open.
    on_cell, on_rows, driving : Value
        The command at work is one on a cell, on all rows, or one that may drive the array.
    at_work, reading, pulsing : Value
        The sequencer selects, reads or decides; it reads; it prepares, gives or recovers from a pulse.
    """

    def __init__(self, **signals: Value) -> None:
        self._signals = signals

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s = self._signals
        gate = Value.cast(s["write_gate"])
        allowed_before = Signal()
        limit_before = Signal(WIDTH_BITS, init=1)
        opened = Signal(WIDTH_BITS + 1)
        m.d.sync += [
            allowed_before.eq(s["armed"] & (s["faults"] == 0)),
            limit_before.eq(s["limit_width"]),
            opened.eq(0),
        ]
        with m.If(gate):
            m.d.sync += opened.eq(opened + 1)

        def always(condition: Value, text: str) -> None:
            m.d.comb += Assert(condition, text, src_loc_at=1)

        always(~(gate & s["read_enable"]), "the write gate is never open with the read path")
        always(~(gate & s["convert"]), "no conversion begins with the write gate open")
        always(~gate | allowed_before, "the gate is closed one cycle after disarming or a fault, and after a reset")
        always(~gate | (s["selection"] == Selection.CELL), "the gate opens on a selected cell only")
        always(~gate | (opened < limit_before), "the gate is never open for longer than the width limit")
        always(gate == (s["phase"] == Phase.PULSE), "the pulse phase is exactly the time for which the gate is open")
        always(s["phase"] < len(PHASES), "a cycle belongs to one of the phases")
        # Invariants that make the proof by induction go through.
        always(s["limit_width"] != 0, "the width limit is at least one cycle")
        always(opened == s["opened_before"], "the guard counts the cycles for which the gate is open")
        always(~s["pulsing"] | (s["on_cell"] & s["driving"]), "pulses are given for commands on a cell that drive it")
        always(~s["at_work"] | s["on_cell"] | s["on_rows"], "only commands on a cell or on rows select and convert")
        always(~s["read_enable"] | s["reading"], "the read path is connected while reading only")
        selected = s["at_work"] | s["pulsing"]
        on_cell = s["selection"] == Selection.CELL
        always(~(selected & s["on_cell"]) | on_cell, "the selector stays on the cell of the command")
        return m
