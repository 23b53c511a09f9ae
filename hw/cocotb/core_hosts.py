"""Hosts of the core: each sends command beats and receives response beats, whatever the core is wrapped in."""

from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

PERIOD_NS = 10
PATIENCE = 200_000
"""Cycles after which a bench gives up."""


class StreamHost:
    """The two streams of the bare core.

    Parameters
    ----------
    dut : cocotb handle
    protocol : module
    """

    clock_name = "clk"

    def __init__(self, dut: Any, protocol: Any) -> None:
        self.dut, self.protocol = dut, protocol
        self.clock = getattr(dut, self.clock_name)

    async def start(self, cycles: int | None = None) -> None:
        """Start the clock, hold the reset, give all inputs a level, and wait until everything is known.

        Parameters
        ----------
        cycles : int, optional
            To wait after the reset; by default until memories are known, too.
        """
        size = self.protocol.CONTROLLER
        Clock(self.clock, PERIOD_NS, "ns").start()
        await ClockCycles(self.clock, 1)
        self.dut.stop.value = 0
        for tile in range(size["tiles"]):
            codes = (f"{name}__{channel}" for name in ("code", "over") for channel in range(size["adc_channels"]))
            for name in ("compliance", "fault", "adc__inputs", "dac__inputs", *codes):
                if hasattr(self.dut, f"tiles__{tile}__{name}"):
                    getattr(self.dut, f"tiles__{tile}__{name}").value = 0
        self.idle()
        self.reset(True)
        await ClockCycles(self.clock, 4)
        self.reset(False)
        await ClockCycles(self.clock, self.protocol.RESET_CYCLES + 4 if cycles is None else cycles)

    def idle(self) -> None:
        """Offer nothing, and take nothing."""
        self.dut.commands__valid.value = 0
        self.dut.commands__payload.value = 0
        self.dut.responses__ready.value = 0

    def reset(self, on: bool) -> None:
        """Drive the reset.

        Parameters
        ----------
        on : bool
        """
        self.dut.rst.value = int(on)

    async def send(self, beat: int) -> None:
        """Hand over a command beat.

        Parameters
        ----------
        beat : int
            Its bits.
        """
        self.dut.commands__payload.value = beat
        await handed_over(self.clock, self.dut.commands__valid, self.dut.commands__ready)

    async def receive(self) -> int:
        """Return the next response beat."""
        return await taken(
            self.clock, self.dut.responses__valid, self.dut.responses__ready, self.dut.responses__payload
        )


class AxiHost(StreamHost):
    """AXI4-Stream for beats, and AXI4-Lite for registers."""

    clock_name = "aclk"

    def idle(self) -> None:
        """Offer nothing, and take nothing."""
        dut = self.dut
        for signal in (dut.s_axis_tvalid, dut.s_axis_tdata, dut.m_axis_tready, dut.s_axil_awvalid, dut.s_axil_wvalid):
            signal.value = 0
        for signal in (dut.s_axil_arvalid, dut.s_axil_bready, dut.s_axil_rready, dut.s_axil_awprot):
            signal.value = 0
        for signal in (dut.s_axil_arprot, dut.s_axil_araddr, dut.s_axil_awaddr, dut.s_axil_wdata, dut.s_axil_wstrb):
            signal.value = 0

    def reset(self, on: bool) -> None:
        """Drive the reset.

        Parameters
        ----------
        on : bool
        """
        self.dut.aresetn.value = int(not on)

    async def send(self, beat: int) -> None:
        """Hand over a command beat.

        Parameters
        ----------
        beat : int
            Its bits.
        """
        self.dut.s_axis_tdata.value = beat
        await handed_over(self.clock, self.dut.s_axis_tvalid, self.dut.s_axis_tready)

    async def receive(self) -> int:
        """Return the next response beat."""
        dut = self.dut
        return await taken(self.clock, dut.m_axis_tvalid, dut.m_axis_tready, dut.m_axis_tdata)

    async def read_word(self, address: int) -> tuple[int, bool]:
        """Read a word; gives its value, and whether the access had an effect.

        Parameters
        ----------
        address : int
            Of a byte; a multiple of 4.
        """
        dut = self.dut
        dut.s_axil_araddr.value = address
        await handed_over(self.clock, dut.s_axil_arvalid, dut.s_axil_arready)
        data = await taken(self.clock, dut.s_axil_rvalid, dut.s_axil_rready, dut.s_axil_rdata)
        return data, int(dut.s_axil_rresp.value) == 0

    async def write_word(self, address: int, value: int) -> bool:
        """Write a word; gives whether the access had an effect.

        Parameters
        ----------
        address : int
            Of a byte; a multiple of 4.
        value : int
            32 bits.
        """
        dut = self.dut
        dut.s_axil_awaddr.value = address
        await handed_over(self.clock, dut.s_axil_awvalid, dut.s_axil_awready)
        dut.s_axil_wdata.value, dut.s_axil_wstrb.value = value, 0b1111
        await handed_over(self.clock, dut.s_axil_wvalid, dut.s_axil_wready)
        return await taken(self.clock, dut.s_axil_bvalid, dut.s_axil_bready, dut.s_axil_bresp) == 0


class WishboneHost(StreamHost):
    """Wishbone, with the mailbox for beats."""

    clock_name = "clk_i"

    def idle(self) -> None:
        """Offer nothing."""
        dut = self.dut
        for signal in (dut.wb_cyc_i, dut.wb_stb_i, dut.wb_we_i, dut.wb_adr_i, dut.wb_dat_i):
            signal.value = 0
        dut.wb_sel_i.value = 0b1111

    def reset(self, on: bool) -> None:
        """Drive the reset.

        Parameters
        ----------
        on : bool
        """
        self.dut.rst_i.value = int(on)

    async def send(self, beat: int) -> None:
        """Hand over a command beat: the mailbox refuses its words while it holds another one.

        Parameters
        ----------
        beat : int
            Its bits.
        """
        for name, word in (("COMMAND_LOW", beat & 0xFFFFFFFF), ("COMMAND_HIGH", beat >> 32)):
            while not await self.write_word(self.protocol.BUS_REGISTERS[name], word):
                pass

    async def receive(self) -> int:
        """Return the next response beat."""
        await until(self.clock, self.dut.irq)
        beat = 0
        for part in range((self.protocol.RESPONSE_BITS + 31) // 32):
            word, _ = await self.read_word(self.protocol.BUS_REGISTERS[f"RESPONSE_{part}"])
            beat |= word << 32 * part
        return beat

    async def read_word(self, address: int) -> tuple[int, bool]:
        """Read a word; gives its value, and whether the access had an effect.

        Parameters
        ----------
        address : int
            Of a byte; a multiple of 4.
        """
        self.dut.wb_we_i.value = 0
        return await self._access(address)

    async def write_word(self, address: int, value: int) -> bool:
        """Write a word; gives whether the access had an effect.

        Parameters
        ----------
        address : int
            Of a byte; a multiple of 4.
        value : int
            32 bits.
        """
        self.dut.wb_we_i.value = 1
        self.dut.wb_dat_i.value = value
        return (await self._access(address))[1]

    async def _access(self, address: int) -> tuple[int, bool]:
        dut = self.dut
        dut.wb_adr_i.value = address
        dut.wb_cyc_i.value = dut.wb_stb_i.value = 1
        for _ in range(PATIENCE):
            await ReadOnly()
            data, good, bad = int(dut.wb_dat_o.value), int(dut.wb_ack_o.value), int(dut.wb_err_o.value)
            await RisingEdge(self.clock)
            if good or bad:
                dut.wb_cyc_i.value = dut.wb_stb_i.value = 0
                await RisingEdge(self.clock)
                return data, bool(good)
        raise AssertionError(f"no answer to an access to {address:#x}")


def host_of(dut: Any, protocol: Any) -> StreamHost:
    """Return the host for a top module.

    Parameters
    ----------
    dut : cocotb handle
        The top module; its name says what the core is wrapped in.
    protocol : module
        The encodings of the core.
    """
    kinds = {"twinbar_axi": AxiHost, "twinbar_wishbone": WishboneHost}
    return kinds.get(dut._name, StreamHost)(dut, protocol)


async def read_register(host: Any, tile: int, address: int) -> int:
    """Read a tile's register as words of the bus."""
    low = (tile + 1) * host.protocol.TILE_BYTES + 8 * address
    words = [await host.read_word(low), await host.read_word(low + 4)]
    assert words[0][1], f"register {address:#x} of tile {tile} cannot be read"
    return words[0][0] | words[1][0] << 32


async def write_register(host: Any, tile: int, address: int, value: int) -> None:
    """Write a tile's register as words of the bus."""
    low = (tile + 1) * host.protocol.TILE_BYTES + 8 * address
    assert await host.write_word(low + 4, value >> 32)
    assert await host.write_word(low, value & 0xFFFFFFFF), f"register {address:#x} of tile {tile} cannot be written"


async def handed_over(clock: Any, valid: Any, ready: Any) -> None:
    """Offer something until it is taken."""
    valid.value = 1
    await until(clock, ready)
    valid.value = 0


async def taken(clock: Any, valid: Any, ready: Any, data: Any) -> int:
    """Take what is offered next."""
    ready.value = 1
    found = await until(clock, valid, data)
    ready.value = 0
    return found


async def until(clock: Any, signal: Any, data: Any = None) -> Any:
    """Wait for the clock edge at which a signal is high; gives what is on others then.

    Signals are read at the end of a time step: simulators differ in what they show right after an edge.
    """
    for _ in range(PATIENCE):
        await ReadOnly()
        high = int(signal.value)
        found = int(data.value) if high and data is not None else None
        await RisingEdge(clock)
        if high:
            return found
    raise AssertionError(f"{signal._name} is not high in {PATIENCE} cycles")
