"""Make a preset of a fit: the fitted numbers, what the measurement was done with, and what neither can tell."""

from dataclasses import dataclass
from typing import Any, Final

from twinbar.emulator.devices.branch_fit import NAMES, BranchFit
from twinbar.emulator.devices.fit import CellFit
from twinbar.emulator.devices.fit_intervals import Interval
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.preset import Preset, check_preset
from twinbar.emulator.devices.pulse_ramps import VoltageRamp
from twinbar.hw.errors import ConfigError

_LARGEST_NORM_A: Final = 1000.0
"""Beyond this a staircase is a straight line."""
_POLARITIES: Final = ("set", "reset")
_OPEN_GATE_V: Final = 5.0


@dataclass(frozen=True)
class PulseConditions:
    """What the pulses were measured with; each is a number and a unit, as in a preset.

    Parameters
    ----------
    set_voltage, reset_voltage : (float, str) or None
        None where the data have it.
    set_width, reset_width : (float, str)
    read_voltage : (float, str) or None
        None where it is not known.
    """

    set_voltage: tuple[float, str] | None
    reset_voltage: tuple[float, str] | None
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
    ConfigError
        If neither the data nor the conditions have a voltage, or what was given or fitted is no cell's.
    """
    nominal = [
        _nominal(fit, polarity, given)
        for polarity, given in enumerate((conditions.set_voltage, conditions.reset_voltage))
    ]
    content: dict[str, Any] = {
        "name": name,
        "title": title,
        "material": material,
        "note": " ".join([f"Fitted to {fit.cells} cell{'s' if fit.cells > 1 else ''}.", *map(_sentence, fit.notes)]),
        "sources": {"measurement": data},
        "window": _window(fit),
        "read": {
            "voltage": _given(conditions.read_voltage)
            if conditions.read_voltage is not None
            else _assumed(0.2, "V", "not given with the measurement; usual for oxide cells")
        },
        "pulse": {
            "set_voltage": nominal[SET],
            "set_width": _given(conditions.set_width),
            "reset_voltage": nominal[RESET],
            "reset_width": _given(conditions.reset_width),
            "width_scales": False,
        },
        **_response(fit),
        "initial": {
            "mean": _assumed(fit.g_min_s * 1e6, "uS", "not in the data; the low end of the window"),
            "sigma": _assumed(0, "uS", "not in the data"),
        },
        "write": _write(fit, nominal),
    }
    sigmas = [branch.gain_sigma for branch in fit.branches]
    if sigmas[0] is not None and sigmas[1] is not None:
        content["device_to_device"] = {
            "gain": {
                "distribution": "lognormal",
                "set": _fitted(sigmas[0], "1", f"over {fit.cells} cells"),
                "reset": _fitted(sigmas[1], "1", f"over {fit.cells} cells"),
                "shared": fit.gains_shared,
            }
        }
    if fit.read_noise > 0:
        content["read_noise"] = {"relative": _fitted(fit.read_noise, "1")}
    if any(branch.amplitude is not None for branch in fit.branches):
        content["amplitude"] = _amplitude(fit, nominal)
    if fit.gate is not None:
        gate, window_s = fit.gate, fit.g_max_s - fit.g_min_s
        content["gate"] = {
            "slope": _fitted(gate.slope_s_per_v * 1e6, "uS/V", _interval(gate.slope_interval, 1e6)),
            "offset": _fitted(gate.offset_v, "V", _interval(gate.offset_interval)),
        }
        note = f"spread of {len(gate.residuals.error)} readings about the line of the gate"
        content["write_noise"] = {"sigma": _fitted(gate.spread_s / window_s, "1", note)}
    if fit.dead_cells:
        none = "the data do not tell the kind of a fault"
        content["faults"] = {
            "stuck_low": _assumed(0, "1", none),
            "stuck_high": _assumed(0, "1", none),
            "non_responding": _fitted(fit.dead_cells / fit.cells, "1", f"{fit.dead_cells} of {fit.cells} cells"),
        }
    return check_preset(content, f"the preset of this fit, {name}")


def _nominal(fit: CellFit, polarity: int, given: tuple[float, str] | None) -> dict[str, Any]:
    if given is not None:
        return _given(given)
    amplitude, ramp = fit.branches[polarity].amplitude, fit.ramps[polarity]
    if amplitude is not None:
        return _fitted(amplitude.nominal_v, "V", "where the pulses do most")
    if ramp is None:
        option = f"--{_POLARITIES[polarity]}-voltage"
        raise ConfigError(f"the data do not say the voltage of the {NAMES[polarity]} pulses; give it with {option}")
    return _fitted(ramp.stop_v, "V", "from the data")


def _window(fit: CellFit) -> dict[str, Any]:
    notes = [None, None] if fit.window_intervals is None else [_interval(each, 1e6) for each in fit.window_intervals]
    return {
        "g_min": _fitted(fit.g_min_s * 1e6, "uS", notes[0]),
        "g_max": _fitted(fit.g_max_s * 1e6, "uS", notes[1]),
    }


def _response(fit: CellFit) -> dict[str, Any]:
    """Return the response, and the spread of a pulse."""
    cycle = [_cycle(branch) for branch in fit.branches]
    if fit.jumps is not None:
        response: dict[str, Any] = {
            "kind": "jump-table",
            "std_scale": _assumed(1, "1", "the measured spread as it is"),
            **{
                polarity: {
                    "mean": _fitted([item * 1e6 for item in jumps.mean_s.tolist()], "uS"),
                    "std": _fitted([item * 1e6 for item in jumps.std_s.tolist()], "uS"),
                }
                for polarity, jumps in zip(_POLARITIES, fit.jumps, strict=True)
            },
        }
        cycle = [_fitted(0.0, "1")] * 2
    else:
        response = {"kind": "exponential"}
        for number, (polarity, branch) in enumerate(zip(_POLARITIES, fit.branches, strict=True)):
            response[polarity] = _staircase(branch, number)
    return {
        "response": response,
        "cycle_to_cycle": {"relative_to": "window", "set": cycle[SET], "reset": cycle[RESET]},
    }


def _staircase(branch: BranchFit, polarity: int) -> dict[str, Any]:
    norm_a = 1 / branch.curvature if abs(branch.curvature) > 1 / _LARGEST_NORM_A else _LARGEST_NORM_A
    if not branch.steps:
        why = "the gate ends a SET; its step is the largest one measured" if polarity == SET else "one pulse erases"
        return {"norm_a": _assumed(norm_a, "1", "a straight line"), "pulses": _assumed(branch.pulses, "pulses", why)}
    note = f"from {branch.steps} readings inside the window"
    curvature, pulses = branch.intervals.get("curvature"), branch.intervals.get("pulses")
    bent = None if curvature is None else f"curvature 1 / norm_a, {_interval(curvature)}"
    return {
        "norm_a": _fitted(norm_a, "1", _together(note, bent)),
        "pulses": _fitted(branch.pulses, "pulses", _together(note, None if pulses is None else _interval(pulses))),
    }


def _cycle(branch: BranchFit) -> dict[str, Any]:
    if not branch.steps:
        return _assumed(0, "1", "not told by pulses that run into the gate's limit or erase at once")
    interval = branch.intervals.get("cycle_to_cycle")
    return _fitted(branch.cycle_to_cycle, "1", None if interval is None else _interval(interval))


def _amplitude(fit: CellFit, nominal: list[dict[str, Any]]) -> dict[str, Any]:
    section: dict[str, Any] = {}
    scale_v = next(branch.amplitude.scale_v for branch in fit.branches if branch.amplitude is not None)
    for number, (polarity, branch) in enumerate(zip(_POLARITIES, fit.branches, strict=True)):
        if branch.amplitude is None:
            why = f"{NAMES[number]} was measured at one voltage"
            volts = nominal[number]["value"] * (1e-3 if nominal[number]["unit"] == "mV" else 1.0)
            section[f"{polarity}_threshold"] = _assumed(volts / 2, "V", f"{why}; half of it")
            section[f"{polarity}_scale"] = _assumed(scale_v, "V", f"{why}; as the other polarity")
            continue
        for key in ("threshold", "scale"):
            interval = branch.intervals.get(f"{key}_v")
            note = None if interval is None else _interval(interval)
            section[f"{polarity}_{key}"] = _fitted(getattr(branch.amplitude, f"{key}_v"), "V", note)
    section["noise_exponent"] = _fitted(fit.noise_exponent, "1", "0.5 or 1, whichever is more likely")
    section["highest"] = _fitted(fit.highest_factor, "1", "of the pulses measured; stronger ones are not known")
    return section


def _write(fit: CellFit, nominal: list[dict[str, Any]]) -> dict[str, Any]:
    limit = max(100, *(round(branch.pulses) for branch in fit.branches))
    section: dict[str, Any] = {"pulse_limit": _assumed(limit, "pulses", "a walk over the whole window")}
    ramps = [ramp if ramp is not None and ramp.step_v > 0 else None for ramp in fit.ramps]
    algorithm = "gate-ramp" if fit.gate is not None else "ispp" if any(ramps) else "identical"
    for number, polarity in enumerate(_POLARITIES):
        ramp = ramps[number]
        section[polarity] = (
            {"start": nominal[number], "step": _given((0.0, "V")), "stop": nominal[number]}
            if ramp is None
            else _ramp(ramp)
        )
    if fit.gate is not None:
        set_gate, reset_gate = fit.gate_ramps
        assert set_gate is not None
        section["set_gate"] = _ramp(set_gate)
        fully = _assumed(max(_OPEN_GATE_V, set_gate.stop_v), "V", "not in the data; fully open")
        section["reset_gate"] = (
            {"start": fully, "step": _assumed(0.0, "V", "fixed"), "stop": fully}
            if reset_gate is None
            else _ramp(reset_gate)
        )
    return {"algorithm": algorithm, **section}


def _ramp(ramp: VoltageRamp) -> dict[str, Any]:
    return {
        "start": _fitted(ramp.start_v, "V", "as measured"),
        "step": _fitted(ramp.step_v, "V", "as measured"),
        "stop": _fitted(ramp.stop_v, "V", "as measured"),
    }


# --- quantities -------------------------------------------------------------------------------------------------------


def _fitted(value: float | list[float], unit: str, note: str | None = None) -> dict[str, Any]:
    rounded = [_digits(item) for item in value] if isinstance(value, list) else _digits(value)
    return {"value": rounded, "unit": unit, "certainty": "derived", "source": "measurement", "note": note}


def _given(value: tuple[float, str]) -> dict[str, Any]:
    number, unit = value
    note = "given with the measurement"
    return {"value": number, "unit": unit, "certainty": "derived", "source": "measurement", "note": note}


def _assumed(value: float, unit: str, note: str) -> dict[str, Any]:
    return {"value": _digits(value), "unit": unit, "certainty": "assumed", "note": note}


def _interval(interval: Interval, factor: float = 1.0) -> str:
    low, high = (f"{value * factor:.3g}" for value in interval)
    return f"95 % interval {low} to {high}"


def _together(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note is not None)


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:]}."


def _digits(value: float) -> float:
    """Keep five significant digits: more than a fit knows, few enough to read."""
    return float(f"{value:.5g}")
