"""Reads that would move the cells that they read: what no engine follows, and says before the first one."""

import math

from twinbar.emulator.devices.preset import Preset


def read_share(preset: Preset) -> float:
    """Return what the amplitude law makes of the read voltage, as a share of a nominal SET: ``a(V_read)``.

    0 where the voltage is below the SET threshold, or nothing is known of other voltages than the nominal one.
    """
    law, read_v = preset.amplitude, preset.read.voltage.si
    if law is None or read_v <= law.set_threshold.si:
        return 0.0
    over = (read_v - law.set_threshold.si) / law.set_scale.si
    nominal = (preset.pulse.set_voltage.si - law.set_threshold.si) / law.set_scale.si
    return min(math.expm1(over) / math.expm1(nominal), law.highest.si)


def disturb_warnings(preset: Preset) -> list[str]:
    """Say if a read is above the threshold of a SET, and what one that lasts as long as a pulse would do."""
    share = read_share(preset)
    if share == 0 or preset.amplitude is None:
        return []
    return [
        f"preset {preset.name} is read at {preset.read.voltage}, above its SET threshold of "
        f"{preset.amplitude.set_threshold}: a read as long as a pulse would move a cell by {share:.2g} of a SET step, "
        "and here it moves none; give read.voltage below the threshold, or a threshold that was measured"
    ]
