"""A tile: control, drive, read-out and accounts, in front of one analog front end."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from twinbar.hw.protocol.layouts import TILE_BITS, Command, Response
from twinbar.hw.timing import PHASES

from .accounts.accounts import Accounts
from .control.control import Control, option_ports
from .control.register_readback import RegisterReadback
from .controller_config import ControllerConfig
from .drive.drive import Drive
from .front_end.handshake import FrontEndSignature, connect_roles
from .readout.readout import Readout


class Tile(wiring.Component):
    """A tile. Its number is an input, so that all tiles are one netlist.

    Parameters
    ----------
    config : ControllerConfig

    Members
    -------
    index : In
        Number of the tile.
    commands : In(stream(Command))
    responses : Out(stream(Response))
    accepted : In(1)
        The controller accepts a command beat, or a link has heard its host.
    safe, abort : In(1)
        See `Dispatcher`.
    stop : In(1)
        Synchronised stop input.
    front : Out(FrontEndSignature)
    phase : Out
        Phase of this cycle, for observation.
    input_group : Out
        The register, where there are shared inputs.
    joint : Out(JointSignature)
    above : In(stream)
    below : Out(stream)
        Partial sums of the tile above, and for the tile below, where there are cascades.
    transfer : Out(TransferSignature)
    outgoing : Out
    incoming : In
        Words that are sent and taken, where there are chains.

    Attributes
    ----------
    started, copied, passed, packed, kept, moved : Signal
        Where streams are shared, what the accounts count of that and of commands, for observation.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self.config = config
        super().__init__(
            {
                "index": In(TILE_BITS),
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "accepted": In(1),
                "safe": In(1),
                "abort": In(1),
                "stop": In(1),
                "front": Out(FrontEndSignature(config)),
                "phase": Out(range(len(PHASES))),
                **option_ports(config),
            }
        )
        self.started, self.copied, self.passed, self.packed = Signal(), Signal(), Signal(), Signal()
        self.kept, self.moved = Signal(), Signal()

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.control = control = Control(self.config)
        m.submodules.drive = drive = Drive(self.config)
        m.submodules.readout = readout = Readout(self.config)
        m.submodules.accounts = accounts = Accounts(self.config)
        m.submodules.readback = readback = RegisterReadback(self.config)
        connect(m, flipped(self.commands), control.commands)
        connect(m, control.responses, flipped(self.responses))
        connect(m, control.progress, drive.progress, readout.progress, accounts.progress)
        connect(m, control.registers, drive.registers, readout.registers, accounts.registers, readback.registers)
        connect(m, control.pulse, drive.pulse)
        connect(m, drive.scan, control.scan)
        connect(m, control.walk, readout.walk)
        connect(m, readout.verdict, control.verdict)
        connect(m, readout.stored, readback.stored)
        for room in (control, drive, readout):
            connect_roles(m, flipped(self.front), room.front)
        m.d.comb += [
            control.index.eq(self.index),
            control.accepted.eq(self.accepted),
            control.safe.eq(self.safe),
            control.abort.eq(self.abort),
            control.stop.eq(self.stop),
            control.width.eq(drive.width),
            control.column.eq(readout.front.column),
            control.result.eq(readout.result),
            drive.make_safe.eq(control.make_safe),
            drive.uses_table.eq(control.uses_table),
            readout.sampling.eq(control.sampling),
            readout.gain_target.eq(drive.even),
            readout.register_value.eq(readback.value),
            accounts.record.eq(drive.front.record),
            accounts.done.eq(self.front.done),
            accounts.last_sample.eq(readout.verdict.last_sample),
            accounts.conversions.eq(readout.conversions),
            readback.even.eq(drive.even),
            readback.odd.eq(drive.odd),
            readback.phase_value.eq(accounts.phase_value),
            readback.action_value.eq(accounts.action_value),
            readback.inputs.eq(control.inputs),
            self.phase.eq(control.progress.phase),
        ]
        for name in option_ports(self.config):
            outside, inside = getattr(self, name), getattr(control, name)
            if name in ("input_group", "outgoing"):
                m.d.comb += outside.eq(inside)
            elif name == "incoming":
                m.d.comb += inside.eq(outside)
            else:
                connect(m, *((flipped(outside), inside) if name == "above" else (inside, flipped(outside))))
        if self.config.shares_streams:
            m.d.comb += [
                self.started.eq(control.progress.popped & ~control.copied),
                self.copied.eq(control.copied),
                self.passed.eq(control.passed),
                self.packed.eq(control.packed),
                accounts.copied.eq(self.copied),
                accounts.passed.eq(self.passed),
                accounts.packed.eq(self.packed),
            ]
        if self.config.chain:
            connect(m, control.moved, readout.moved)
            m.d.comb += [
                self.kept.eq(control.kept),
                self.moved.eq(control.counted),
                accounts.kept.eq(self.kept),
                accounts.moved.eq(self.moved),
                readback.scale.eq(control.scale),
            ]
        if platform == "formal":
            from twinbar.hw.formal.tile_properties import TileProperties

            m.submodules.properties = TileProperties(self.config, control, drive, accounts, self.front)
        return m
