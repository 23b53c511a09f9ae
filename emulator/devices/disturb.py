"""What voltages below a pulse's do to cells: reads, and writes to other cells; and what a user should know of it."""

import math
from typing import Final, Literal

from twinbar.emulator.devices.cell_tables import PARTS_OF_A_PULSE
from twinbar.emulator.devices.preset import MOST_SCALES, Preset
from twinbar.emulator.sections.array_section import ArrayConfig

_WORTH_SAYING: Final = 1e-3
"""Share of a step by which a pulse moves other cells before it is said."""


def set_share(preset: Preset, volts: float) -> float:
    """Return what the amplitude law makes of a voltage, as a share of a nominal SET (see `pulse_share`)."""
    return pulse_share(preset, volts, "set")


def pulse_share(preset: Preset, volts: float, polarity: Literal["set", "reset"]) -> float:
    """Return what the amplitude law makes of a voltage, as a share of a nominal pulse: ``a(V)``.

    0 up to the threshold, or where nothing is known of other voltages than the nominal one.
    """
    law = preset.amplitude
    threshold = math.inf if law is None else getattr(law, f"{polarity}_threshold").si
    if law is None or volts <= threshold:
        return 0.0
    scale = getattr(law, f"{polarity}_scale").si
    over, nominal = ((each - threshold) / scale for each in (volts, getattr(preset.pulse, f"{polarity}_voltage").si))
    if over > MOST_SCALES:
        return min(math.exp(min(over - nominal, MOST_SCALES)), law.highest.si)
    return min(math.expm1(over) / math.expm1(nominal), law.highest.si)


def disturb_warnings(preset: Preset, array: ArrayConfig, pulse_v: tuple[float, float]) -> list[str]:
    """Say if reads are above the threshold of a SET, and what pulses do to other cells of a passive array.

    Parameters
    ----------
    preset : Preset
    array : ArrayConfig
    pulse_v : (float, float)
        Highest voltages of SET and RESET pulses.
    """
    found = []
    share = set_share(preset, preset.read.voltage.si)
    if share > 0 and preset.amplitude is not None and preset.read_disturb is None:
        found.append(
            f"preset {preset.name} is read at {preset.read.voltage}, above its SET threshold of "
            f"{preset.amplitude.set_threshold}: a read as long as a pulse would move a cell by {share:.2g} of a SET "
            "step, and here it moves none; give read.voltage below the threshold, or a threshold that was measured"
        )
    parts = PARTS_OF_A_PULSE[array.bias_scheme]
    if not parts:
        return found
    others = array.rows + array.columns - 2 if parts == 2 else array.cells - 1
    if preset.amplitude is None:
        found.append(
            f"array.bias_scheme is {array.bias_scheme!r}, and preset {preset.name} does not say what pulses of other "
            f"voltages do ([amplitude]): the {others} other cells that see 1/{parts} of a pulse are heated, and do not "
            "move"
        )
        return found
    volts = {name: volt / parts for name, volt in zip(("set", "reset"), pulse_v, strict=True)}
    shares = {name: pulse_share(preset, volt, name) for name, volt in volts.items()}  # type: ignore[arg-type]
    if max(shares.values()) >= _WORTH_SAYING:
        found.append(
            f"array.bias_scheme is {array.bias_scheme!r}: a SET moves {others} other cells by up to "
            f"{shares['set']:.2g} of a step at {volts['set']:.3g} V, a RESET by up to {shares['reset']:.2g} at "
            f"{volts['reset']:.3g} V"
        )
    return found
