"""The link's netlist, compiled (CXXRTL), as a line: thousands of frames in seconds."""

import ctypes
import functools
from pathlib import Path

from amaranth.back import cxxrtl
from beats import AnsweringController, as_beats
from simulated_line import Damage, Direction

from twinbar.emulator.engines.rtl.netlist_library import cached_library, library_text
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.link.serial_link import SerialLink
from twinbar.hw.link.frames import Deframer
from twinbar.hw.link.link_config import LinkConfig

STEP_CYCLES = 256
"""Between looks of the controller's stand-in at its streams."""
_ROOM = 64
"""Beats that the stand-in takes in that time at most."""
_MOST = 1 << 16


@functools.cache
def _library(config: ControllerConfig, link: LinkConfig) -> ctypes.CDLL:
    """Compile a link, or load it: to make its C++, by which it is looked for, takes seconds."""
    harness = Path(__file__).with_name("link_harness.cc").read_text()
    text = library_text() + cxxrtl.convert(SerialLink(config, link), emit_src=False) + harness
    found = ctypes.CDLL(str(cached_library([text], lambda folder: text)))
    found.link_new.restype = ctypes.c_void_p
    found.link_receive.restype = found.link_commands.restype = ctypes.c_size_t
    return found


class CompiledLine:
    """A line to the compiled `SerialLink`; time passes only while the host reads.

    Parameters
    ----------
    config : ControllerConfig
    link : LinkConfig
    controller : AnsweringController
    to_board, to_host : simulated_line.Damage, optional
    baud_divisor : int, optional
        Cycles per bit of the host's side, if it is not the board's.
    """

    name = "a compiled board"

    def __init__(
        self,
        config: ControllerConfig,
        link: LinkConfig,
        controller: AnsweringController,
        to_board: Damage | None = None,
        to_host: Damage | None = None,
        baud_divisor: int | None = None,
    ) -> None:
        self._library = _library(config, link)
        divisor = baud_divisor or link.divisor
        self._harness = ctypes.c_void_p(self._library.link_new(divisor))
        self.controller = controller
        self.baud = link.clock_hz / divisor
        self.cycles = 0
        self.longest: int | None = None
        """Cycles after which the line gives up, where a fault would keep it at work for ever."""
        self.disturb = b""
        """What a stranger sends behind everything that the host does."""
        self.heard_session = 0
        self.to_board, self.to_host = Direction(to_board), Direction(to_host)
        self._clock_hz = link.clock_hz
        self._resets = 0
        self._received = bytearray()
        self._bytes = ctypes.create_string_buffer(_MOST)
        self._beats = (ctypes.c_uint64 * _MOST)()

    def clock(self) -> float:
        return self.cycles / self._clock_hz

    def close(self) -> None:
        self._library.link_delete(self._harness)

    def write(self, data: bytes) -> None:
        for contents in Deframer().feed(data):
            self.heard_session = contents[0] & 15
        arriving = self.to_board.pass_on(data) + self.disturb
        self._library.link_send(self._harness, arriving, ctypes.c_size_t(len(arriving)))

    def read(self, timeout_s: float) -> bytes:
        end = self.clock() + timeout_s
        while not self._received and self.clock() < end:
            self.step()
        data, self._received = bytes(self._received), bytearray()
        return data

    def step(self) -> None:
        """Let some cycles pass."""
        library, controller = self._library, self.controller
        given = controller.step(self.clock())
        library.link_respond(self._harness, as_beats(given).tobytes(), ctypes.c_size_t(len(given)))
        room = _ROOM if controller.has_room else 0
        library.link_run(self._harness, ctypes.c_uint64(STEP_CYCLES), room, int(controller.busy))
        self.cycles += STEP_CYCLES
        assert self.longest is None or self.cycles < self.longest, f"the line is still at work in cycle {self.cycles}"
        if (resets := library.link_resets(self._harness)) != self._resets:
            self._resets = resets
            controller.reset()
        for place in range(library.link_commands(self._harness, self._beats, ctypes.c_size_t(_MOST))):
            controller.take(self._beats[place])
        count = library.link_receive(self._harness, self._bytes, ctypes.c_size_t(_MOST))
        self._received += self.to_host.pass_on(self._bytes.raw[:count])
