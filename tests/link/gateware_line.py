"""A line to the link's gateware in Amaranth's simulator, pin by pin."""

from collections import deque
from typing import Any

from amaranth.sim import Simulator
from beats import AnsweringController
from simulated_line import Damage, Direction

from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.gateware.link.serial_link import SerialLink
from twinbar.hw.link.link_config import LinkConfig


class PinLine:
    """A line to a component with ``rx`` and ``tx``; time passes only while the host reads.

    Parameters
    ----------
    dut : component
    link : LinkConfig
    to_board, to_host : simulated_line.Damage, optional
    """

    name = "a simulated board"

    def __init__(
        self, dut: Any, link: LinkConfig, to_board: Damage | None = None, to_host: Damage | None = None
    ) -> None:
        self.dut = dut
        self.baud = link.clock_hz / link.divisor
        self.cycles = 0
        self.to_board, self.to_host = Direction(to_board), Direction(to_host)
        self._period = 1 / link.clock_hz
        self._divisor = link.divisor
        self._to_send: deque[int] = deque()
        self._received = bytearray()
        self.simulator = Simulator(self.dut)
        self.simulator.add_clock(self._period)
        self.simulator.add_testbench(self._run)

    def clock(self) -> float:
        return self.cycles * self._period

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        self._to_send += self.to_board.pass_on(data)

    def read(self, timeout_s: float) -> bytes:
        end = self.clock() + timeout_s
        while not self._received and self.clock() < end:
            self.simulator.run_until(self.clock() + 200 * self._period)
        data, self._received = bytes(self._received), bytearray()
        return self.to_host.pass_on(data)

    async def _run(self, ctx: Any) -> None:
        bits: deque[int] = deque()
        next_bit = 0
        coming: list[int] = []
        sample_at: int | None = None
        while True:
            # The host's transmitter.
            if self.cycles >= next_bit:
                if not bits and self._to_send:
                    byte = self._to_send.popleft()
                    bits += [0, *(byte >> place & 1 for place in range(8)), 1]
                if bits:
                    ctx.set(self.dut.rx, bits.popleft())
                    next_bit = self.cycles + self._divisor
            # The host's receiver.
            if sample_at is None:
                if not ctx.get(self.dut.tx):
                    sample_at, coming = self.cycles + self._divisor * 3 // 2, []
            elif self.cycles >= sample_at:
                coming.append(ctx.get(self.dut.tx))
                sample_at += self._divisor
                if len(coming) == 9:
                    if coming.pop():
                        self._received.append(sum(bit << place for place, bit in enumerate(coming)))
                    sample_at = None
            self.work(ctx)
            await ctx.tick()
            self.cycles += 1

    def work(self, ctx: Any) -> None:
        """Do what the world around the board does in a cycle."""


class GatewareLine(PinLine):
    """A line to `SerialLink`, with a stand-in for the controller behind it.

    Parameters
    ----------
    config : ControllerConfig
    link : LinkConfig
    controller : AnsweringController
    to_board, to_host : simulated_line.Damage, optional
    """

    def __init__(
        self,
        config: ControllerConfig,
        link: LinkConfig,
        controller: AnsweringController,
        to_board: Damage | None = None,
        to_host: Damage | None = None,
    ) -> None:
        super().__init__(SerialLink(config, link), link, to_board, to_host)
        self.controller = controller
        self._responses: deque[int] = deque()

    def work(self, ctx: Any) -> None:
        dut, controller, responses = self.dut, self.controller, self._responses
        ready = controller.rng.random() < 0.7
        ctx.set(dut.commands.ready, ready)
        if ready and ctx.get(dut.commands.valid):
            assert controller.accept(ctx.get(dut.commands.payload.as_value()))
        if not responses:
            responses += controller.step(self.clock())
        ctx.set(dut.responses.valid, bool(responses))
        if responses:
            ctx.set(dut.responses.payload.as_value(), responses[0])
        ctx.set(dut.busy, bool(responses) or controller.busy or ctx.get(dut.commands.valid))
        if responses and ctx.get(dut.responses.ready):
            responses.popleft()
        if ctx.get(dut.reset):
            controller.reset()
            responses.clear()
