"""An array of emulated cells as the front end of a tile."""

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.protocol.layouts import COMPLIANCE_BITS, LINE_BITS, TILE_BITS
from twinbar.hw.protocol.vocabulary import Record, Request, Selection

from ..block_ram import block_ram
from ..controller_config import ControllerConfig
from ..front_end.handshake import FrontEndSignature
from .instructions import Condition, Job, MachineInput, MachineOutput
from .lasting import Lasting
from .machine import Machine
from .memory import ArrayMemory, has_no_contents
from .memory_map import MemoryMap, stored_tables
from .microprogram import array_cycles, array_program
from .model import ArrayModel

_NO_LIMIT = (1 << COMPLIANCE_BITS) - 1


@dataclass(frozen=True)
class EmulatedArray:
    """The arrays of a controller's tiles.

    Parameters
    ----------
    model : ArrayModel
    packed : bool
        Whether tables are packed and expanded at power-up even where memory could start with them.
    """

    model: ArrayModel
    packed: bool = False

    def check(self, config: ControllerConfig) -> None:
        """Refuse a controller whose array is too large.

        Raises
        ------
        ConfigError
            If it is.
        """
        MemoryMap.of(config, self.model)

    def describe(self, config: ControllerConfig) -> dict[str, Any]:
        """Tell arrays apart, and say what durations they need, as JSON."""
        model = sha256(json.dumps(asdict(self.model)).encode()).hexdigest()[:16]
        return {"model": model, "least_cycles": asdict(array_cycles(config, self.model))}


class EmulatedPinsSignature(wiring.Signature):
    """What can be seen of an emulated array.

    Members
    -------
    formed : Out(1)
        The cells are formed: the tile can take commands.
    fault : Out(1)
        What the front end tells its tile.
    """

    def __init__(self) -> None:
        super().__init__({"formed": Out(1), "fault": Out(1)})


class EmulatedFrontEnd(wiring.Component):
    """A tile's array of emulated cells. ``docs/array-on-chip.md`` says what it does in which cycle.

    Requests take what their registers say, and longer only where a result is not there yet. The fault FRONT_END tells
    of pulses that were not applied: the write gate opened while the pulse before was being computed, or with a limit of
    the current, which is not emulated.

    Parameters
    ----------
    config : ControllerConfig
    array : EmulatedArray

    Raises
    ------
    ConfigError
        If the array is too large.

    Members
    -------
    tile : In(FrontEndSignature)
    index : In
        Number of the tile.
    pins : Out(EmulatedPinsSignature)
    """

    def __init__(self, config: ControllerConfig, array: EmulatedArray) -> None:
        self.config, self.array = config, array
        self.map = MemoryMap.of(config, array.model)
        super().__init__(
            {
                "tile": In(FrontEndSignature(config)),
                "index": In(TILE_BITS),
                "pins": Out(EmulatedPinsSignature()),
            }
        )

    def elaborate(self, platform) -> Module:
        m = Module()
        lasting = Lasting()
        config, tile = self.config, self.tile
        model, packed = self.array.model, self.array.packed or has_no_contents(platform)
        program = array_program(config, model, packed=packed)
        tables = () if packed else stored_tables(config, model)
        m.submodules.machine = machine = Machine(program.microcode, program.image)
        m.submodules.memory = self.memory = memory = ArrayMemory(self.map.words, tables)
        m.d.comb += [
            memory.address.eq(machine.address),
            memory.reads.eq(machine.reads),
            memory.write.eq(machine.write),
            memory.value.eq(machine.value),
            machine.read.eq(memory.read),
        ]

        # --- what is to be done --------------------------------------------------------------------------------------
        formed, to_do = lasting.signal(), lasting.signal(3)
        finished = Signal(len(Job))
        with m.If(machine.output & (machine.port == MachineOutput.FINISHED)):
            m.d.comb += finished.eq(machine.value)
        with m.If(finished[3]):
            m.d.sync += formed.eq(1)
        connects = (tile.request == Request.CONNECT_READ) | (tile.request == Request.CONNECT_MULTIPLY)
        connected, converts, pulsed = Signal(), Signal(), Signal()
        m.d.comb += [
            connected.eq(tile.begins & connects),
            converts.eq(tile.begins & (tile.request == Request.CONVERT)),
        ]
        new = Cat(pulsed, connected, converts)
        m.d.sync += to_do.eq(to_do & ~finished | new)
        expired, rests = Signal(), Signal()
        m.d.comb += [
            rests.eq(~(to_do | new).any() & machine.sleeping),
            machine.wake.eq(to_do.any()),
            tile.done.eq((tile.expires | expired) & rests),
            self.pins.formed.eq(formed),
            self.pins.fault.eq(tile.fault),
        ]
        # A request ends when it has lasted as long as its register says, or, later, with what it waits for.
        m.d.sync += expired.eq((tile.expires | expired) & ~tile.done & (tile.request != Request.NONE))

        # --- pulses ------------------------------------------------------------------------------------------------
        opened, lost = lasting.signal(), lasting.signal()
        row, column = lasting.signal(range(config.rows)), lasting.signal(range(config.columns))
        resets, acts = lasting.signal(), lasting.signal()
        m.d.sync += opened.eq(tile.write_gate)
        codes = tile.codes
        difference = Signal(signed(LINE_BITS + 1))
        to_reset = tile.record == Record.RESET
        m.d.comb += difference.eq(Mux(to_reset, codes.source_line - codes.bit_line, codes.bit_line - codes.source_line))
        with m.If(tile.write_gate & ~opened):
            unfit = to_do.any() | (tile.compliance_code != _NO_LIMIT)
            m.d.sync += [lost.eq(unfit), tile.fault.eq(unfit)]
            with m.If(~unfit):
                m.d.sync += [
                    row.eq(tile.row),
                    column.eq(tile.column),
                    resets.eq(to_reset),
                    acts.eq(difference >= Mux(to_reset, model.threshold[1], model.threshold[0])),
                ]
        with m.Else():
            m.d.sync += tile.fault.eq(0)
        m.d.comb += pulsed.eq(opened & ~tile.write_gate & ~lost)

        # --- conversions -------------------------------------------------------------------------------------------
        channel_bits = range(max(config.adc_channels, 2))
        channel, word = lasting.signal(channel_bits), lasting.signal(range(max(config.words, 2)))
        active = lasting.signal(config.adc_channels)
        with m.If(converts):
            m.d.sync += active.eq(tile.channels)
        with m.If(machine.output):
            with m.Switch(machine.port):
                with m.Case(MachineOutput.CHANNEL):
                    m.d.sync += channel.eq(machine.value)
                with m.Case(MachineOutput.WORD):
                    m.d.sync += word.eq(machine.value)
                with m.Case(MachineOutput.CODE):
                    for number, code in enumerate(tile.code):
                        with m.If(channel == number):
                            m.d.sync += code.eq(machine.value)
        trim = Signal.like(tile.trim[0])
        for number, one in enumerate(tile.trim):
            with m.If(channel == number):
                m.d.comb += trim.eq(one)
        inputs = self._row_registers(m, lasting, word)
        with m.Switch(machine.port):
            for port, value in (
                (MachineInput.TILE, self.index),
                (MachineInput.ROW, tile.row),
                (MachineInput.COLUMN, tile.column),
                (MachineInput.PULSE_ROW, row),
                (MachineInput.PULSE_COLUMN, column),
                (MachineInput.PLANE, tile.plane),
                (MachineInput.RANGE, tile.range),
                (MachineInput.TRIM, trim),
            ):
                with m.Case(port):
                    m.d.comb += machine.input.eq(Mux(machine.word == 0, value, 0))
            with m.Case(MachineInput.WORD):
                m.d.comb += machine.input.eq(Mux(machine.word[1], 0, inputs.word_select(machine.word[0], 16)))
        selection = tile.selection
        for condition, holds in (
            (Condition.PULSED, to_do[0]),
            (Condition.CONNECTED, to_do[1]),
            (Condition.CONVERTS, to_do[2]),
            (Condition.CELL, selection == Selection.CELL),
            (Condition.REFERENCE, selection == Selection.REFERENCE),
            (Condition.ROWS, (selection == Selection.PLANE) | (selection == Selection.CODES)),
            (Condition.CODES, selection == Selection.CODES),
            (Condition.PAIRS, tile.subtract),
            (Condition.RESETS, resets),
            (Condition.ACTS, acts),
            (Condition.ACTIVE, active.bit_select(channel, 1)),
        ):
            m.d.comb += machine.conditions[condition].eq(holds)
        lasting.reset(m)
        return m

    def _row_registers(self, m: Module, lasting: Lasting, word: Signal):
        """Hold the words of the row registers; gives the one that is asked for."""
        config, tile = self.config, self.tile
        m.submodules.inputs = inputs = block_ram(shape=32, depth=config.words)
        write, read = inputs.write_port(), inputs.read_port()
        # All words are cleared at once by forgetting that they were written.
        written, known = lasting.signal(config.words), lasting.signal()
        with m.If(tile.row_load):
            with m.If(tile.row_clear):
                m.d.sync += written.eq(0)
            m.d.sync += written.bit_select(tile.row_word, 1).eq(1)
        m.d.comb += [
            write.addr.eq(tile.row_word),
            write.data.eq(tile.row_bits),
            write.en.eq(tile.row_load),
            read.addr.eq(word),
        ]
        m.d.sync += known.eq(written.bit_select(word, 1))
        return Mux(known, read.data, 0)
