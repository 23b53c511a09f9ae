"""Control unit: the commands that the controller itself answers, at once and ahead of what its tiles have queued."""

from amaranth import Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from twinbar.hw.gateware.config import ControllerConfig
from twinbar.hw.protocol.commands import CONTROLLER_OPCODES, CONTROLLER_TILE, Command, Opcode
from twinbar.hw.protocol.faults import Fault, Reason
from twinbar.hw.protocol.registers import ADDRESS
from twinbar.hw.protocol.responses import Payload, Response
from twinbar.hw.protocol.version import MAGIC, VERSION, IdentityWord

_FAULT_BITS = len(Fault)


def identity(config: ControllerConfig) -> dict[IdentityWord, int]:
    """Give the words with which a controller of this configuration answers ``IDENTIFY``."""
    converters = config.adc_bits | config.adc_channels << 8 | config.input_bits << 24
    flags = (config.dac_inputs, config.subtract_pairs, config.skip_empty)
    return {
        IdentityWord.MAGIC: MAGIC,
        IdentityWord.VERSION: VERSION,
        IdentityWord.TILES: config.tiles,
        IdentityWord.GEOMETRY: config.rows | config.columns << 16,
        IdentityWord.CONVERTERS: converters | sum(flag << 28 + bit for bit, flag in enumerate(flags)),
        IdentityWord.CONFIGURATION_HASH: config.hash,
    }


class ControlUnit(wiring.Component):
    """Answers identity, status, arming, `safe` and the controller's registers, and refuses what no tile can take.

    Attributes
    ----------
    commands : In(stream)
        Beats for the controller itself or for tiles that do not exist.
    responses : Out(stream)
    arm, disarm, safe, clear : Out
        Orders to `twinbar.hw.gateware.safety.Safety`, in the cycle in which the beat is taken.
    armed, faults : In
    watchdog : Out
        The controller's register.
    """

    def __init__(self, config: ControllerConfig) -> None:
        self._config = config
        super().__init__(
            {
                "commands": In(stream.Signature(Command)),
                "responses": Out(stream.Signature(Response)),
                "arm": Out(1),
                "disarm": Out(1),
                "safe": Out(1),
                "clear": Out(Fault),
                "armed": In(1),
                "faults": In(Fault),
                "watchdog": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        beat = self.commands.payload
        answer = self.responses.payload
        accept = Signal()
        reason = Signal(Reason)
        value = Signal(32)
        watchdog = Signal(32, reset_less=True)
        own = Signal()
        # A response reports the state behind its command, which is there one cycle after the command was taken.
        state_due, reports_state = Signal(), Signal()
        m.d.comb += [
            self.watchdog.eq(watchdog),
            self.commands.ready.eq(~state_due & (~self.responses.valid | self.responses.ready)),
            accept.eq(self.commands.valid & self.commands.ready),
            own.eq((beat.tile == CONTROLLER_TILE) | Cat(beat.opcode == op for op in sorted(CONTROLLER_OPCODES)).any()),
        ]
        with m.If(~own):
            m.d.comb += reason.eq(Reason.TILE)
        with m.Else():
            with m.Switch(beat.opcode):
                with m.Case(Opcode.IDENTIFY):
                    with m.Switch(beat.argument):
                        for word, content in identity(self._config).items():
                            with m.Case(int(word)):
                                m.d.comb += value.eq(content)
                        with m.Default():
                            m.d.comb += reason.eq(Reason.VALUE)
                with m.Case(Opcode.STATUS):
                    with m.If(beat.argument[_FAULT_BITS:] != 0):
                        m.d.comb += reason.eq(Reason.VALUE)
                    with m.Elif(accept):
                        m.d.comb += self.clear.eq(beat.argument)
                with m.Case(Opcode.ARM):
                    with m.If(beat.argument[1:] != 0):
                        m.d.comb += reason.eq(Reason.VALUE)
                    with m.Elif(~beat.argument[0]):
                        m.d.comb += self.disarm.eq(accept)
                    with m.Elif(Value.cast(self.faults) != 0):
                        m.d.comb += reason.eq(Reason.FAULTED)
                    with m.Else():
                        m.d.comb += self.arm.eq(accept)
                with m.Case(Opcode.SAFE):
                    m.d.comb += self.safe.eq(accept)
                with m.Case(Opcode.SET_REGISTER, Opcode.GET_REGISTER):
                    with m.If(beat.row != ADDRESS["watchdog"]):
                        m.d.comb += reason.eq(Reason.REGISTER)
                    with m.Elif(beat.opcode == Opcode.GET_REGISTER):
                        m.d.comb += value.eq(watchdog)
                    with m.Elif(accept):
                        m.d.sync += watchdog.eq(beat.argument)
                with m.Default():
                    m.d.comb += reason.eq(Reason.OPCODE)
        with m.If(accept):
            m.d.sync += [
                self.responses.valid.eq(0),
                state_due.eq(1),
                answer.kind.eq(beat.opcode),
                answer.tile.eq(beat.tile),
                answer.reason.eq(reason),
                answer.ok.eq(reason == Reason.NONE),
                Payload(answer.payload).value.eq(value),
                reports_state.eq(
                    (beat.opcode == Opcode.STATUS) | (beat.opcode == Opcode.ARM) | (beat.opcode == Opcode.SAFE)
                ),
            ]
            with m.If(own):
                m.d.sync += answer.tile.eq(CONTROLLER_TILE)
        with m.Elif(state_due):
            m.d.sync += [state_due.eq(0), self.responses.valid.eq(1), answer.faults.eq(self.faults)]
            with m.If(reports_state):
                m.d.sync += Payload(answer.payload).status.armed.eq(self.armed)
        with m.Elif(self.responses.ready):
            m.d.sync += self.responses.valid.eq(0)
        return m
