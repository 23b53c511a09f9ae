"""The core with serial parts of the bench, and the settings with which its parts come to rest."""

from dataclasses import replace
from typing import Any

from twinbar.emulator.contract import beats
from twinbar.emulator.verify.assemblies import OCTAL
from twinbar.emulator.verify.elaborations import Elaboration
from twinbar.hw.gateware.controller_config import ControllerConfig
from twinbar.hw.parts.bus import cycles_at_least
from twinbar.hw.protocol.registers import BY_NAME

SIZE = ControllerConfig(tiles=1, rows=4, columns=4, adc_channels=2, adc_bits=6, input_bits=2, safe_codes=(1, 0, 2))
CORE = Elaboration("serial bench", SIZE, "milo-hfo2", (), True, OCTAL)


def slower(parts: Any) -> Any:
    """Return the same parts with a DAC whose clock may have no period below a microsecond."""
    return replace(parts, dac=replace(parts.dac, timing=replace(parts.dac.timing, period_ns=1000.0)))


def settled(short: str = "") -> list[Any]:
    """Return the beats that let everything settle for as long as it takes; ``short`` names a register that does not."""
    parts: Any = CORE.config.parts
    times = {
        "SELECT": parts.select_settle_ns(SIZE.columns, SIZE.adc_channels),
        "SETTLE_READ": parts.read_settle_ns + parts.write_settle_ns,
        "SETTLE_MULTIPLY": parts.read_settle_ns + parts.write_settle_ns,
        "SETTLE_DRIVE": parts.write_settle_ns,
    }
    cycles = {name: max(cycles_at_least(ns, parts.clock_hz), 2) for name, ns in times.items()}
    cycles |= {short: 2} if short else {}
    return [beats.write_register(0, BY_NAME[name].address, value) for name, value in cycles.items()]
