"""An armed tile drives what ARM has checked: what joins the proofs of its parts, as properties of a whole tile."""

from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Signal

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.drive.write_drive import lanes
from twinbar.hw.gateware.tile_states import TileState, is_any
from twinbar.hw.protocol.layouts import ADDRESS_BITS
from twinbar.hw.protocol.registers import (
    PULSE_LIMIT,
    PULSE_SHAPES,
    PULSE_TABLES,
    REGISTERS,
    SHAPE,
    TRIPLES,
    USE_BIT,
    WRITE_TABLE,
    Access,
)
from twinbar.hw.protocol.vocabulary import Mode, Record
from twinbar.hw.timing import ARM_CYCLES

from .drive_use import DriveUse
from .gate import always


class ArmedProperties(Elaboratable):
    """Nothing is written to records and pulse table between their check and the end of the mode that it leads to.

    What the proofs of the parts assume of one another is proven here: how the drive is used (`DriveUse`), that its rows
    and those of the check are what the memory reads, when the check starts, and that nothing is written meanwhile.

    Parameters
    ----------
    config : ControllerConfig
    control, drive : component
        Rooms of the tile.
    """

    def __init__(self, config: ControllerConfig, control: Any, drive: Any) -> None:
        self._config, self._control, self._drive = config, control, drive

    def elaborate(self, platform: Any) -> Module:
        """Build the properties."""
        m = Module()
        control, drive = self._control, self._drive
        sequencer, memory, arming = control.sequencer, drive.memory, drive.arming
        write_drive, state = drive.write_drive, sequencer.state
        armed = control.supervisor.mode != Mode.SAFE
        use = DriveUse(m, write_drive)
        for condition, message in use.conditions:
            always(m, condition, message)
        for user, reads in ((write_drive, use.granted), (arming, arming.start | arming.active)):
            asked = Cat(user.reading.even_row, user.reading.odd_row)
            read = Cat(memory.reading.even_row, memory.reading.odd_row)
            always(m, ~reads | (asked == read), "the memory reads the rows that are asked for")
            always(m, ~reads | ~memory.write, "nothing is written while records are read")
        self._check_scan(m, arming, state)

        # Since the last check that passed, nothing was written to what it has looked at.
        checked, table_checked = Signal(), Signal()
        locked = [register.address for register in REGISTERS if register.access is Access.LOCKED]
        address, tables = self._written(m)
        with m.If(arming.scan.last):
            m.d.sync += [checked.eq(arming.scan.good), table_checked.eq(drive.uses_table)]
        with m.If(memory.write & (is_any(address, locked) | tables)):
            m.d.sync += [checked.eq(0), table_checked.eq(0)]
        always(m, ~armed | checked, "an armed tile has the records that ARM has checked")
        if self._config.pulse_entries:
            always(m, ~armed | ~drive.uses_table | table_checked, "the pulse table of an armed tile was checked")
            looked_at = is_any(state, (TileState.DECODE, TileState.ACCESS)) & sequencer.plan.accesses
            table = sequencer.command.body.register.address == WRITE_TABLE.address
            always(m, ~(looked_at & table) | control.register_file.known & control.register_file.locked, "")
        if self._config.cascade:
            always(m, ~(control.member.adds | control.member.passes) | sequencer.plan.product, "")
        idle = ~armed & (state != TileState.SCAN)
        always(m, ~idle | (write_drive.pulse.record == Record.SAFE), "a disarmed tile drives no record")
        scanned = (state == TileState.SCAN) & arming.scan.good & (arming.step == ARM_CYCLES - 1)
        always(m, armed | scanned | (write_drive.pulse.record == Record.SAFE), "")
        arms = (state == TileState.SCAN) | (state == TileState.DECODE) & (sequencer.plan.follows == TileState.SCAN)
        mode = sequencer.command.body.arm.mode
        always(m, ~arms | (mode == Mode.READ) | (mode == Mode.WRITE), "")
        loaded = is_any(write_drive.pulse.record, (Record.SAFE, Record.READ, Record.MULTIPLY))
        always(m, armed | loaded, "")
        always(m, write_drive.updating == (use.busy == 3), "")
        driving, responds = state == TileState.DRIVE, state == TileState.RESPOND
        always(m, (use.busy != 2) | driving & ~sequencer.clock.first | responds, "")
        ended = is_any(state, (TileState.DECIDE, TileState.RECOVER, TileState.CONVERT, TileState.CONNECT_READ))
        always(m, (use.busy != 1) | ~ended, "")
        select = state == TileState.SELECT
        always(m, ~(select | sequencer.plan.product) | write_drive.pulse.first, "")
        always(m, ~write_drive.updating | armed, "")
        if self._config.capped:
            self._cap(m)
        return m

    def _check_scan(self, m: Module, arming: Any, state: Any) -> None:
        before, started = Signal(), Signal()
        m.d.sync += [before.eq(arming.start | arming.active), started.eq(arming.start)]
        always(m, ~arming.active | before, "a check starts with its first cycle")
        always(m, ~arming.start | (arming.step == 0), "a check starts with the first record")
        always(m, ~started | ~arming.start, "the first cycle of a check comes once")
        always(m, (state == TileState.SCAN) | (arming.step == 0) | before, "")

    def _written(self, m: Module) -> tuple[Any, Any]:
        """Return the address that is written, and whether it is one of the pulse tables."""
        address = Signal(ADDRESS_BITS)
        m.d.comb += address.eq(self._drive.memory.address)
        return address, Cat(address.matches(table.pattern) for table in PULSE_TABLES.values()).any()

    def _cap(self, m: Module) -> None:
        config, memory, register_file = self._config, self._drive.memory, self._control.register_file
        settings, (address, tables) = register_file.settings, self._written(m)
        limits = register_file.store & (register_file.address == PULSE_LIMIT.address)
        always(m, ~limits | (register_file.value <= config.pulse_cap), "")
        always(m, settings.pulse_limit <= config.pulse_cap, "PULSE_LIMIT stays below its cap")
        with m.If(memory.write & is_any(address, sorted(PULSE_SHAPES))):
            always(m, memory.value[SHAPE["width"].places] <= config.width_cap, "no pulse width above its cap is stored")
        with m.If(memory.write & (is_any(address, sorted(TRIPLES)) | tables & ~address[USE_BIT])):
            for code, cap in zip(lanes(memory.value), config.code_caps, strict=True):
                always(m, code <= cap, "no code above its cap is stored")
