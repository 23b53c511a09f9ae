"""Clock and reset of a board's core: the board's own oscillator, or what a PLL makes of it."""

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Const, Instance, Module, Signal
from amaranth.lib import io
from amaranth.lib.cdc import ResetSynchronizer

from twinbar.hw.errors import ConfigError


@dataclass(frozen=True)
class Ecp5Dividers:
    """Dividers of an EHXPLLL: the output is ``input / reference * feedback``, the oscillator ``post`` times that."""

    reference: int
    feedback: int
    post: int


def ecp5_dividers(input_hz: int, output_hz: int) -> Ecp5Dividers:
    """Find the dividers of an ECP5 PLL.

    Limits of the data sheet (Lattice FPGA-DS-02012, sysCLOCK PLL timing): input and phase detector 8 (3.125 without
    the phase detector's multiplication) to 400 MHz, oscillator 400 to 800 MHz. Dividers are 1 to 128.

    Raises
    ------
    ConfigError
        If the output cannot be made exactly.
    """
    best: Ecp5Dividers | None = None
    for reference in range(1, 129):
        if not 8_000_000 <= input_hz / reference <= 400_000_000 or output_hz * reference % input_hz:
            continue
        feedback = output_hz * reference // input_hz
        if feedback > 128:
            continue
        # The oscillator near the middle of its range.
        posts = [post for post in range(1, 129) if 400_000_000 <= output_hz * post <= 800_000_000]
        if posts and best is None:
            best = Ecp5Dividers(reference, feedback, min(posts, key=lambda post: abs(output_hz * post - 600_000_000)))
    if best is None:
        raise ConfigError(
            f"a PLL cannot make {output_hz / 1e6:g} MHz of {input_hz / 1e6:g} MHz; choose a multiple of it"
        )
    return best


class BoardClock:
    """Drives the clock domain ``sync`` of a board, which the top level defines.

    Parameters
    ----------
    clock_hz : int
        Frequency of the domain.

    Raises
    ------
    ConfigError
        If the board's clock is another one and its FPGA's PLL is not known here, or cannot make it.
    """

    def __init__(self, clock_hz: int) -> None:
        self._clock_hz = clock_hz

    def elaborate(self, platform: Any) -> Module:
        """Connect oscillator, PLL and reset."""
        m = Module()
        resource = platform.lookup(platform.default_clk)
        input_hz = round(resource.clock.frequency)
        m.submodules.oscillator = oscillator = io.Buffer("i", platform.request(platform.default_clk, dir="-"))
        if input_hz == self._clock_hz:
            m.d.comb += ClockSignal("sync").eq(oscillator.i)
            m.submodules.reset = ResetSynchronizer(_power_up(m, platform, oscillator.i), domain="sync")
            return m
        if platform.device.startswith("LFE5"):
            locked = self._ecp5_pll(m, platform, oscillator.i, input_hz)
            m.submodules.reset = ResetSynchronizer(~locked, domain="sync")
            return m
        raise ConfigError(
            f"the board's clock is {input_hz / 1e6:g} MHz, and for {platform.device} no PLL is described here that "
            f"would make {self._clock_hz / 1e6:g} MHz of it; leave the clock as it is"
        )

    def _ecp5_pll(self, m: Module, platform: Any, oscillator: Signal, input_hz: int) -> Signal:
        dividers = ecp5_dividers(input_hz, self._clock_hz)
        output, locked = Signal(), Signal()
        m.submodules.pll = Instance(
            "EHXPLLL",
            a_FREQUENCY_PIN_CLKI=str(input_hz / 1e6),
            a_FREQUENCY_PIN_CLKOP=str(self._clock_hz / 1e6),
            # Charge pump and loop filter as Lattice's tools, and Project Trellis' ecppll, write them for every EHXPLLL.
            a_ICP_CURRENT="12",
            a_LPF_RESISTOR="8",
            a_MFG_ENABLE_FILTEROPAMP="1",
            a_MFG_GMCREF_SEL="2",
            p_CLKI_DIV=dividers.reference,
            p_CLKFB_DIV=dividers.feedback,
            p_CLKOP_DIV=dividers.post,
            p_CLKOP_CPHASE=dividers.post - 1,
            p_CLKOP_ENABLE="ENABLED",
            p_FEEDBK_PATH="CLKOP",
            p_STDBY_ENABLE="DISABLED",
            i_CLKI=oscillator,
            i_CLKFB=output,
            i_RST=Const(0),
            i_STDBY=Const(0),
            o_CLKOP=output,
            o_LOCK=locked,
        )
        m.d.comb += ClockSignal("sync").eq(output)
        platform.add_clock_constraint(output, self._clock_hz)
        return locked


def _power_up(m: Module, platform: Any, oscillator: Signal) -> Any:
    """Return a reset that is active for some cycles after configuration: block RAMs of iCE40 are not ready at once.

    They become readable some 3 microseconds after configuration (Lattice FPGA-TN-02002 says nothing of it; the
    IceStorm project measured it, and Amaranth waits 15 microseconds for the same reason).
    """
    cycles = round(15e-6 * platform.lookup(platform.default_clk).clock.frequency)
    m.domains.power_up = ClockDomain(reset_less=True, local=True)
    m.d.comb += ClockSignal("power_up").eq(oscillator)
    waited = Signal(range(cycles + 1))
    with m.If(waited != cycles):
        m.d.power_up += waited.eq(waited + 1)
    return waited != cycles
