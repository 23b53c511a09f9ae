"""A compiled board, armed for writing, and what frames do to it: the real host's side, and the engine `fast` beside."""

import ctypes
import random
from collections import Counter
from typing import Any, Final, NamedTuple

import numpy as np
from frame_mutations import damaged, other_number

from twinbar.emulator.contract import beats
from twinbar.emulator.contract.program import Program
from twinbar.emulator.crossbar.configuration import CrossbarConfig, build_config
from twinbar.emulator.devices.preset import load_preset
from twinbar.emulator.engines.program.fast_controller import FastController
from twinbar.emulator.sections.array_section import ArrayConfig
from twinbar.emulator.sections.device_section import DeviceConfig
from twinbar.emulator.sections.timing_section import TimingConfig
from twinbar.emulator.virtual.compiled_board import CompiledBoard
from twinbar.host.transport.link import Link
from twinbar.host.virtual.virtual_line import VirtualLine
from twinbar.hw.gateware.board_core import CoreConfig
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.link import command_codec
from twinbar.hw.link.frames import HOST_HEAD, MOST_TO_BOARD, Deframer, FrameKind, HostFrame, on_line
from twinbar.hw.link.link_config import LinkConfig
from twinbar.hw.protocol.commands import COMMANDS, Opcode
from twinbar.hw.protocol.packing import pack, unpack_results
from twinbar.hw.protocol.registers import BY_NAME, LEVEL_WINDOWS, OFFSETS, PAIR_OFFSETS, REGISTERS, TRIMS
from twinbar.hw.protocol.vocabulary import Mode, Record

SIZE: Final = 4
CAPS: Final = {"width_cap": 40, "pulse_cap": 9, "code_caps": (3600, 3500, 3400)}
CORE: Final = CoreConfig(
    ControllerConfig(
        tiles=1, rows=SIZE, columns=SIZE, adc_bits=6, input_bits=2, command_depth=4, response_depth=4, **CAPS
    ),
    LinkConfig(clock_hz=100_000_000, baud=25_000_000, receive_bytes=1024, transmit_bytes=2048),
)
"""One tile with caps, four clock cycles per bit."""
_GATE_CLOSES = ctypes.CFUNCTYPE(ctypes.c_int64, *([ctypes.c_void_p] + [ctypes.c_int64] * 6))
_NEVER_SENT: Final = (Opcode.SAFE, Opcode.ABORT)
"""What they stop depends on when they come; they are sent, and what they lead to is held to the caps alone."""
_UNDER_WAY: Final = 16
"""Frames of a program that may be under way: a number that is nearer to the awaited one may be theirs."""
_TIMED: Final = ("WATCHDOG",)
_LASTING: Final = tuple(
    [each.address for each in REGISTERS]
    + [
        table.base + place
        for table in (OFFSETS, PAIR_OFFSETS, TRIMS, LEVEL_WINDOWS)
        for place in range(table.count(CORE.controller))
    ]
)
"""Addresses of all that a program may leave behind."""


def crossbar() -> CrossbarConfig:
    """Return cells with noise, whose pulses take few cycles and stay within the caps."""
    controller = CORE.controller
    shape = {name: getattr(controller, name) for name in ("rows", "columns", "adc_channels", "adc_bits", "input_bits")}
    return build_config(
        load_preset("taox-hfox"),
        DeviceConfig(levels=8),
        ArrayConfig(**shape, adc_offset_codes=1.0),
        TimingConfig(clock_hz=CORE.link.clock_hz),
        seed=5,
    )


class GivenPulse(NamedTuple):
    """A pulse that reached a cell: what the compiled model was told when it ended."""

    cell: int
    polarity: int
    amplitude: int
    gate: int
    cycles: int


class ArmedBoard(CompiledBoard):
    """A board that notes every pulse its cells are given."""

    def __init__(self, *, words: bool) -> None:
        super().__init__(CORE, crossbar(), words=words)
        self.pulses: list[GivenPulse] = []
        self._closes = _GATE_CLOSES(self._arrays.gate_closes)
        self._noting = _GATE_CLOSES(self._note)
        self._arrays.gate_closes = ctypes.cast(self._noting, ctypes.c_void_p).value

    def _note(self, record: Any, tile: int, *pulse: int) -> int:
        self.pulses.append(GivenPulse(*pulse))
        return int(self._closes(record, tile, *pulse))

    def settle(self) -> None:
        """Let what was sent come, be carried out and be answered; the answers stay for whoever reads next."""
        while True:
            self.run(2_000)
            if self.quiet_cycles >= 2_000:
                return


class HeardLine(VirtualLine):
    """A line that knows the frames which the host has sent last, and lets others come between them."""

    def __init__(self, board: CompiledBoard) -> None:
        super().__init__(board)
        self._deframer = Deframer()
        self.last = HostFrame(FrameKind.HELLO, 0)
        self.awaited = 0
        self.disturbance: Any = None

    def write(self, data: bytes) -> None:
        """Send bytes."""
        for contents in self._deframer.feed(data):
            frame = HostFrame.unpack(contents)
            assert frame is not None
            self.last = frame
            if frame.kind is FrameKind.HELLO:
                self.awaited = 0
            elif frame.kind is FrameKind.DATA:
                self.awaited = (frame.seq + 1) % 256
        super().write(data if self.disturbance is None else self.disturbance(data))


class ArmedFrames:
    """Sends frames of every kind to an armed board, and looks at what they do.

    Parameters
    ----------
    seed : int
    words : bool
        Frames are injected behind the UART.

    Attributes
    ----------
    frames : Counter of str
        Frames sent, by kind.
    """

    def __init__(self, seed: int, *, words: bool) -> None:
        self.chance = random.Random(seed)
        self.frames: Counter[str] = Counter()
        self.pulses = 0
        self._disturbs = False
        self.board = ArmedBoard(words=words)
        self.array = crossbar()
        self.fast = FastController(self.array, CORE.controller)
        self.line = HeardLine(self.board)
        self.link = Link(self.line, CORE.controller.hash, first_session=seed)
        self._arm()

    def close(self) -> None:
        """Look a last time at what the board's models have to say."""
        assert self.board.complaints() == (0, [])

    # --- what is legitimate -------------------------------------------------------------------------------------------

    def run(self, commands: Any) -> None:
        """Run a program on both; all responses and cells are the same."""
        expected = self.fast.run(Program(commands)).responses
        found = self.link.run(commands)
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert one.tobytes() == other.tobytes(), (number, hex(int(commands[number])), one, other)

    def _arm(self) -> None:
        self.run(np.append(pack(Opcode.DISARM, 0), self._registers()))
        self.run(np.concatenate([pack(Opcode.CLEAR, 0), pack(Opcode.ARM, 0, mode=Mode.WRITE)]))

    def _registers(self) -> Any:
        own = {"WATCHDOG": 0, "PULSE_LIMIT": CAPS["pulse_cap"], "COMPLIANCE": BY_NAME["COMPLIANCE"].init}
        own |= {name: BY_NAME[name].init for name in ("RANGE_READ", "RANGE_MULTIPLY", "SAMPLING")}
        writes = [beats.write_register(0, BY_NAME[name].address, value) for name, value in own.items()]
        return np.concatenate([*writes, beats.set_registers(self.array, 1)])

    def writes(self, count: int) -> Any:
        """Return commands that pulse cells."""
        chance = self.chance
        cells = [(chance.randrange(SIZE), chance.randrange(SIZE), chance.randrange(8)) for _ in range(count)]
        row, column, level = np.array(cells).T
        return pack(Opcode.WRITE, 0, row=row, column=column, level=level)

    def check(self) -> None:
        """The next valid frames work: cells are written and read as if nothing had been, and no other was pulsed."""
        self.run(np.concatenate([self.writes(2), pack(Opcode.READ, 0, row=1, column=2)]))
        self._same_cells()
        self._take_pulses()

    def _same_cells(self) -> None:
        expected = self.fast.cells()
        for name, values in self.board.cells().items():
            assert np.array_equal(values, expected[name]), name

    def _take_pulses(self) -> None:
        """No pulse is beyond the caps."""
        most = max(CAPS["code_caps"][:2])
        for pulse in self.board.pulses:
            assert pulse.cycles <= CAPS["width_cap"], pulse
            assert pulse.amplitude <= most, pulse
            assert pulse.gate <= CAPS["code_caps"][2], pulse
        self.pulses += len(self.board.pulses)
        self.board.pulses.clear()

    # --- frames that do nothing ---------------------------------------------------------------------------------------

    def ignored(self) -> bytes:
        """Draw a frame that must not do anything: damaged, or of another session, number or kind."""
        chance, line = self.chance, self.line
        session, awaited, ack = line.last.session, line.awaited, line.last.ack
        other = (session + chance.randrange(1, 16)) % 16
        payload = command_codec.encode(self.writes(chance.choice([1, 3, 20])), self.link.hello.widths)
        kind = chance.choice(["damaged"] * 5 + ["other session", "behind", "ahead", "no kind"])
        if kind == "damaged":
            # What is damaged would be executed if it were whole.
            whole = [HostFrame(FrameKind.DATA, session, awaited, ack, payload).pack()]
            kind, data = damaged(chance, whole, HOST_HEAD)
        elif kind == "other session":
            which = chance.choice([FrameKind.DATA, FrameKind.ACK])
            data = HostFrame(which, other, awaited, chance.randrange(256), payload, resend=chance.random() < 0.5).pack()
        elif kind == "no kind":
            data = on_line(bytes([session | chance.randrange(4) << 6, awaited, chance.randrange(256)]) + payload)
        else:
            number = other_number(chance, awaited, behind=kind == "behind", least=_UNDER_WAY if self._disturbs else 1)
            data = HostFrame(FrameKind.DATA, session, number, ack, payload).pack()
        self.frames[kind] += 1
        return data

    def ignore(self, count: int) -> None:
        """Send such frames while the board rests: no cell is pulsed, and the next program works."""
        sent, bound = b"", CORE.link.receive_bytes
        for _ in range(count):
            sent += self.ignored()
            if len(sent) > bound:
                self.board.send(sent)
                sent = b""
        self.board.send(sent)
        self.board.settle()
        assert self.board.pulses == []
        self.check()

    def disturb(self, count: int) -> None:
        """Let such frames come before and behind every frame of a program that writes cells."""
        left = count

        def among(data: bytes) -> bytes:
            nonlocal left
            here = min(left, self.chance.randrange(4))
            left -= here
            return b"".join(self.ignored() for _ in range(here)) + data

        self.line.disturbance, self._disturbs = among, True
        while left:
            self.check()
        self.line.disturbance, self._disturbs = None, False

    # --- frames that do what they encode ------------------------------------------------------------------------------

    def _command(self) -> int:
        """Draw any command that takes a bounded time."""
        chance = self.chance
        opcode = chance.choice([each for each in Opcode if each not in _NEVER_SENT])
        spec = COMMANDS[opcode]
        values = {each.name: chance.choice([0, 1, chance.getrandbits(each.bits)]) for each in spec.arguments or ()}
        values |= {name: chance.randrange(SIZE + 1) for name in ("row", "column", "outputs") if name in values}
        if "level" in values:
            values["level"] = chance.randrange(9)
        if "cycles" in values:
            values["cycles"] = chance.randrange(200)
        if opcode is Opcode.PULSE:
            values |= {"count": chance.randrange(12), "record": chance.choice([Record.SET, Record.RESET]).value}
        if opcode is Opcode.ARM:
            values["mode"] = chance.choice([1, 2, 2])
        if opcode is Opcode.WRITE_REGISTER:
            register = chance.choice([each for each in REGISTERS if each.name not in _TIMED])
            bound = chance.choice([register.init, register.word.bits and chance.getrandbits(min(register.bits, 12))])
            values = {"address": register.address, "value": bound}
        return int(pack(opcode, 0, **values)[0])

    def forge(self) -> None:
        """Send a frame with the right CRC, session and number: it does exactly what it encodes, and no more."""
        chance, line = self.chance, self.line
        commands = np.array([self._command() for _ in range(chance.choice([1, 2, 5, 12]))], np.uint64)
        payload = command_codec.encode(commands, self.link.hello.widths)[:MOST_TO_BOARD]
        reference = command_codec.CommandUnpacker(self.link.hello.widths)
        meant = np.array(reference.feed(payload), np.uint64)
        push = chance.random() < 0.5
        self.board.send(HostFrame(FrameKind.DATA, line.last.session, line.awaited, line.last.ack, payload, push).pack())
        self.board.settle()
        if len(meant):
            self.fast.run(Program(meant))
        self._same_cells()
        self._take_pulses()
        self.frames["forged"] += 1
        self._begin_again()

    def forge_anything(self) -> None:
        """Send one whose payload is any bytes: no pulse is beyond the caps, and a new session works."""
        line, chance = self.line, self.chance
        payload = chance.randbytes(chance.choice([1, 5, 9, 40, MOST_TO_BOARD]))
        kind = chance.choice([FrameKind.DATA, FrameKind.DATA, FrameKind.ACK, FrameKind.HELLO])
        session = chance.randrange(16) if kind is FrameKind.HELLO else line.last.session
        frame = HostFrame(kind, session, line.awaited, chance.randrange(256), payload, resend=chance.random() < 0.5)
        self.board.send(frame.pack())
        for _ in range(20):  # a WAIT may be of any length
            self.board.run(1_000)
        self._take_pulses()
        self.frames["any payload"] += 1
        self.fast = FastController(self.array, CORE.controller)
        self._begin_again(anew=True)

    def _begin_again(self, *, anew: bool = False) -> None:
        """Start a session, and compare the registers that it leaves as they were; then arm."""
        self.link.connect()
        if not anew:
            self.fast.reset()
            self.run(pack(Opcode.READ_REGISTER, 0, address=np.array(_LASTING)))
            self._arm()
            return
        # Nobody knows what cells, registers and inputs any bytes have left: the engine takes over what is there.
        self.link.run(pack(Opcode.DISARM, 0))
        every = np.array(_LASTING)
        found = unpack_results(Opcode.READ_REGISTER, self.link.run(pack(Opcode.READ_REGISTER, 0, address=every)))
        value = found["value"]
        # Offsets are read with as many bits as codes have, and written with all of their field.
        (field,), bits = OFFSETS.word.fields, CORE.controller.adc_bits
        negative = (every >= OFFSETS.base) & (value >> bits == 1)
        value = np.where(negative, field.put(value - (2 << bits)), value)
        self.fast.run(Program(pack(Opcode.WRITE_REGISTER, 0, address=every, value=value)))
        self.fast.load_cells({name: values.copy() for name, values in self.board.cells().items()})
        self.run(pack(Opcode.LOAD, 0, word=0, clear=1))
        self._arm()
