"""What voltages below a pulse's do to cells: reads and half-selected writes, which no engine follows."""

import math

from twinbar.emulator.devices.preset import Preset


def set_share(preset: Preset, volts: float) -> float:
    """Return what the amplitude law makes of a voltage, as a share of a nominal SET: ``a(V)``.

    0 up to the SET threshold, or where nothing is known of other voltages than the nominal one.
    """
    law = preset.amplitude
    if law is None or volts <= law.set_threshold.si:
        return 0.0
    over = (volts - law.set_threshold.si) / law.set_scale.si
    nominal = (preset.pulse.set_voltage.si - law.set_threshold.si) / law.set_scale.si
    return min(math.expm1(over) / math.expm1(nominal), law.highest.si)


def disturb_warnings(preset: Preset) -> list[str]:
    """Say if a read is above the threshold of a SET, and what one that lasts as long as a pulse would do."""
    share = set_share(preset, preset.read.voltage.si)
    if share == 0 or preset.amplitude is None:
        return []
    return [
        f"preset {preset.name} is read at {preset.read.voltage}, above its SET threshold of "
        f"{preset.amplitude.set_threshold}: a read as long as a pulse would move a cell by {share:.2g} of a SET step, "
        "and here it moves none; give read.voltage below the threshold, or a threshold that was measured"
    ]
