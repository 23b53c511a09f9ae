"""Make a preset of a fit: the fitted numbers, what the measurement was done with, and what neither can tell."""

from dataclasses import dataclass
from typing import Any, Final

from twinbar.emulator.devices.fit import CellFit
from twinbar.emulator.devices.preset import Preset

_LARGEST_NORM_A: Final = 1000.0
"""Beyond this a staircase is a straight line."""


@dataclass(frozen=True)
class PulseConditions:
    """What the pulses were measured with; each is a number and a unit, as in a preset.

    Parameters
    ----------
    set_voltage, reset_voltage : (float, str)
    set_width, reset_width : (float, str)
    read_voltage : (float, str) or None
        None where it is not known.
    """

    set_voltage: tuple[float, str]
    reset_voltage: tuple[float, str]
    set_width: tuple[float, str]
    reset_width: tuple[float, str]
    read_voltage: tuple[float, str] | None


def fitted_preset(
    fit: CellFit, conditions: PulseConditions, *, name: str, title: str, material: str, data: str
) -> Preset:
    """Return the preset of a fitted cell.

    Parameters
    ----------
    fit : CellFit
    conditions : PulseConditions
    name, title, material : str
    data : str
        The measurement, as the source that the fitted values cite.

    Raises
    ------
    pydantic.ValidationError
        If the conditions contradict each other.
    """

    def fitted(value: float | list[float], unit: str, note: str | None = None) -> dict[str, Any]:
        rounded = [_digits(item) for item in value] if isinstance(value, list) else _digits(value)
        return {"value": rounded, "unit": unit, "certainty": "derived", "source": "measurement", "note": note}

    def given(value: tuple[float, str]) -> dict[str, Any]:
        number, unit = value
        note = "given with the measurement"
        return {"value": number, "unit": unit, "certainty": "derived", "source": "measurement", "note": note}

    def assumed(value: float, unit: str, note: str) -> dict[str, Any]:
        return {"value": _digits(value), "unit": unit, "certainty": "assumed", "note": note}

    cycle = [branch.cycle_to_cycle for branch in fit.branches]
    if fit.jumps is not None:
        response: dict[str, Any] = {
            "kind": "jump-table",
            "std_scale": assumed(1, "1", "the measured spread as it is"),
            **{
                polarity: {
                    "mean": fitted([item * 1e6 for item in jumps.mean_s.tolist()], "uS"),
                    "std": fitted([item * 1e6 for item in jumps.std_s.tolist()], "uS"),
                }
                for polarity, jumps in zip(("set", "reset"), fit.jumps, strict=True)
            },
        }
        cycle = [0.0, 0.0]
    else:
        response = {"kind": "exponential"}
        for polarity, branch in zip(("set", "reset"), fit.branches, strict=True):
            norm_a = 1 / branch.curvature if abs(branch.curvature) > 1 / _LARGEST_NORM_A else _LARGEST_NORM_A
            note = f"from {branch.steps} pulses inside the window"
            response[polarity] = {"norm_a": fitted(norm_a, "1", note), "pulses": fitted(branch.pulses, "pulses", note)}
    content: dict[str, Any] = {
        "name": name,
        "title": title,
        "material": material,
        "note": f"Fitted to {fit.cells} cell{'s' if fit.cells > 1 else ''}.",
        "sources": {"measurement": data},
        "window": {"g_min": fitted(fit.g_min_s * 1e6, "uS"), "g_max": fitted(fit.g_max_s * 1e6, "uS")},
        "read": {
            "voltage": given(conditions.read_voltage)
            if conditions.read_voltage is not None
            else assumed(0.2, "V", "not given with the measurement; usual for oxide cells")
        },
        "pulse": {
            "set_voltage": given(conditions.set_voltage),
            "set_width": given(conditions.set_width),
            "reset_voltage": given(conditions.reset_voltage),
            "reset_width": given(conditions.reset_width),
            "width_scales": False,
        },
        "response": response,
        "cycle_to_cycle": {
            "relative_to": "window",
            "set": fitted(cycle[0], "1"),
            "reset": fitted(cycle[1], "1"),
        },
        "initial": {
            "mean": assumed(fit.g_min_s * 1e6, "uS", "not in the data; the low end of the window"),
            "sigma": assumed(0, "uS", "not in the data"),
        },
        "write": {
            "algorithm": "identical",
            "pulse_limit": assumed(
                max(100, round(max(branch.pulses for branch in fit.branches))), "pulses", "a walk over the whole window"
            ),
            **{
                polarity: {"start": given(voltage), "step": given((0.0, "V")), "stop": given(voltage)}
                for polarity, voltage in (("set", conditions.set_voltage), ("reset", conditions.reset_voltage))
            },
        },
    }
    sigmas = [branch.gain_sigma for branch in fit.branches]
    if sigmas[0] is not None and sigmas[1] is not None:
        content["device_to_device"] = {
            "gain": {
                "distribution": "lognormal",
                "set": fitted(sigmas[0], "1", f"over {fit.cells} cells"),
                "reset": fitted(sigmas[1], "1", f"over {fit.cells} cells"),
                "shared": fit.gains_shared,
            }
        }
    if fit.read_noise > 0:
        content["read_noise"] = {"relative": fitted(fit.read_noise, "1")}
    if fit.dead_cells:
        none = "the data do not tell the kind of a fault"
        content["faults"] = {
            "stuck_low": assumed(0, "1", none),
            "stuck_high": assumed(0, "1", none),
            "non_responding": fitted(fit.dead_cells / fit.cells, "1", f"{fit.dead_cells} of {fit.cells} cells"),
        }
    return Preset.model_validate(content)


def _digits(value: float) -> float:
    """Keep five significant digits: more than a fit knows, few enough to read."""
    return float(f"{value:.5g}")
