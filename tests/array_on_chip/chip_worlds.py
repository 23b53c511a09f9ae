"""Devices and converters that differ in what their functions have left of the physics."""

from typing import Any


def number(value: float) -> dict[str, Any]:
    """Return a dimensionless quantity of a preset."""
    return {"value": value, "unit": "1", "certainty": "assumed", "note": "for tests"}


def gain(set_spread: float, reset_spread: float, *, shared: bool, distribution: str = "normal") -> dict[str, Any]:
    """Return a spread of the gain from cell to cell."""
    spread = {"set": number(set_spread), "reset": number(reset_spread), "shared": shared, "distribution": distribution}
    return {"gain": spread}


FAULTS = {"faults": {name: number(0.1) for name in ("stuck_low", "stuck_high", "non_responding")}}
CLIP = {"value": 1.5, "unit": "sigma", "certainty": "assumed", "note": "for tests"}
STEPWISE = {"relative_to": "step", "set": number(0.4), "reset": number(0.9)}
WORLDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "with faults": {"update": FAULTS},
    "with converter errors": {"adc_offset_codes": 2.0, "adc_gain_error": 0.03},
    "without read noise": {"update": {"read_noise": None}, "variation": False},
    "SET and RESET apart": {
        "update": {
            "device_to_device": gain(0.3, 0.1, shared=False, distribution="lognormal"),
            "cycle_to_cycle": STEPWISE,
        }
    },
    "shared gain, apart": {"update": {"device_to_device": gain(0.1, 0.4, shared=True)}},
    "shared gain, clipped": {
        "update": {
            "device_to_device": gain(0.2, 0.2, shared=True),
            "cycle_to_cycle": {**STEPWISE, "clip": CLIP},
            **FAULTS,
        }
    },
}
