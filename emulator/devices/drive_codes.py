"""Codes of the write drive: voltages to 12-bit codes, and the default registers of a preset's write algorithm."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from twinbar.emulator.devices.layout import CODES
from twinbar.emulator.devices.preset import Preset
from twinbar.emulator.devices.preset_sections import PresetRamp
from twinbar.emulator.devices.quantity import Quantity
from twinbar.hw.errors import ConfigError

_FULL_SCALES_V: Final = (1.0, 2.0, 2.5, 4.0, 5.0, 8.0, 10.0, 20.0, 40.0)


@dataclass(frozen=True)
class DriveRegisters:
    """Default codes of the write drive; pairs are (SET, RESET).

    Parameters
    ----------
    amplitude_start, amplitude_step, amplitude_stop : (int, int)
        Codes of the pulse voltage: first pulse, increment per pulse, ceiling.
    gate_start, gate_step, gate_stop : (int, int)
        Codes of the word line.
    pulse_limit : int
        SET and RESET pulses of one write.
    """

    amplitude_start: tuple[int, int]
    amplitude_step: tuple[int, int]
    amplitude_stop: tuple[int, int]
    gate_start: tuple[int, int]
    gate_step: tuple[int, int]
    gate_stop: tuple[int, int]
    pulse_limit: int


def volts_to_code(volts: float, full_scale_v: float, drive: str = "write") -> int:
    """Return the code nearest to a voltage: code ``c`` is ``c / CODES`` of the full scale. Errors name the ``drive``.

    Raises
    ------
    ConfigError
        If the drive does not reach the voltage.
    """
    code = math.floor(volts / full_scale_v * CODES + 0.5)
    if not 0 <= code < CODES:
        highest = full_scale_v * (CODES - 1) / CODES
        raise ConfigError(f"{volts:g} V is beyond the {drive} drive, which goes from 0 to {highest:.4g} V")
    return code


def _ramps(preset: Preset) -> list[PresetRamp]:
    write = preset.write
    return [ramp for ramp in (write.set, write.reset, write.set_gate, write.reset_gate) if ramp is not None]


def highest_amplitude(preset: Preset) -> float:
    """Return the voltage, SET or RESET, from which on a preset's law gives no stronger pulses."""
    law = preset.amplitude
    if law is None:
        return 0.0
    volts = []
    for name in ("set", "reset"):
        nominal = getattr(preset.pulse, f"{name}_voltage").si
        threshold, scale = getattr(law, f"{name}_threshold").si, getattr(law, f"{name}_scale").si
        volts.append(threshold + scale * math.log1p(law.highest.si * math.expm1((nominal - threshold) / scale)))
    return max(volts)


def drive_full_scale(preset: Preset, *, all_amplitudes: bool = False) -> float:
    """Return the smallest usual full scale, in volts, whose codes reach every voltage of a preset.

    ``all_amplitudes``: not only those of its own pulses, but all of its amplitude law.
    """
    highest = max(
        preset.pulse.set_voltage.si,
        preset.pulse.reset_voltage.si,
        *(ramp.stop.si for ramp in _ramps(preset)),
        highest_amplitude(preset) if all_amplitudes else 0.0,
    )
    for full_scale in _FULL_SCALES_V:
        if math.floor(highest / full_scale * CODES + 0.5) < CODES:
            return full_scale
    raise ConfigError(
        f"preset {preset.name}: pulses of up to {highest:g} V ([pulse], [write]) are beyond any usual write drive, "
        f"which goes up to {_FULL_SCALES_V[-1]:g} V; check them and their units"
    )


def drive_registers(preset: Preset, full_scale_v: float) -> DriveRegisters:
    """Return the registers of the preset's own write algorithm; a gate that it does not name is fully open."""
    write = preset.write

    def amplitude(of: Callable[[PresetRamp], int]) -> tuple[int, int]:
        return of(write.set), of(write.reset)

    def gate(of: Callable[[PresetRamp], int], otherwise: int) -> tuple[int, int]:
        codes = [otherwise if ramp is None else of(ramp) for ramp in (write.set_gate, write.reset_gate)]
        return codes[0], codes[1]

    def code(what: str, volts: Quantity) -> int:
        try:
            return volts_to_code(volts.si, full_scale_v)
        except ConfigError as error:
            raise ConfigError(f"preset {preset.name}, a {what} of [write]: {error}") from None

    def start(ramp: PresetRamp) -> int:
        return code("start", ramp.start)

    def step(ramp: PresetRamp) -> int:
        # A ramp that has a step must move, even where the step is finer than the drive.
        return max(code("step", ramp.step), 1 if ramp.step.si > 0 else 0)

    def stop(ramp: PresetRamp) -> int:
        return code("stop", ramp.stop)

    return DriveRegisters(
        amplitude_start=amplitude(start),
        amplitude_step=amplitude(step),
        amplitude_stop=amplitude(stop),
        gate_start=gate(start, CODES - 1),
        gate_step=gate(step, 0),
        gate_stop=gate(stop, CODES - 1),
        pulse_limit=int(write.pulse_limit.si),
    )
