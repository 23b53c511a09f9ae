"""What the emulator comes to where something was published: each function measures one kind of figure."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from twinbar.emulator.crossbar.cell_state import conductances_s
from twinbar.host.cells.chip import Chip
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.reproduction import reproduce
from twinbar.host.experiment.reproduction_config import METHOD, ReproductionConfig
from twinbar.host.experiment.run_folder import RunFolder

SIDE: Final = 32
"""Rows and columns of the arrays whose cells are measured."""
FINE_ADC: Final = {"array.adc_bits": 12}
VECTORS: Final = 16
"""Input vectors that are multiplied."""
_MICRO: Final = 1e-6
Floats = npt.NDArray[np.float64]


def programming_noise(device: str, microsiemens: float, acceptance: float) -> float:
    """Return the standard deviation of what the closed loop read last, in uS.

    Parameters
    ----------
    device : str
    microsiemens : float
        Target of all cells, which start anywhere in the window.
    acceptance : float
        Largest deviation from the target, relative to it, that ends a write.
    """
    chip = Chip(device, SIDE, SIDE, settings=FINE_ADC)
    _scatter(chip)
    target = microsiemens * _MICRO
    written = chip.write_conductance(np.full((SIDE, SIDE), target), tolerance_s=acceptance * target)
    return float(written.error_s[written.ok].std()) / _MICRO


def relaxation_spread(device: str, microsiemens: float, seconds: float) -> float:
    """Return the standard deviation of the change of cells, in uS, some seconds after they were written."""
    chip = Chip(device, SIDE, SIDE, settings={**FINE_ADC, "array.tick_s": float(seconds)})
    written = chip.write_conductance(np.full((SIDE, SIDE), microsiemens * _MICRO), tolerance_s=_MICRO)
    change = _state(chip, 1) - _state(chip, 0)
    return float(change[written.ok].std()) / _MICRO


def write_success(device: str, acceptance_microsiemens: float) -> float:
    """Return the share of writes to random targets that end within the acceptance."""
    chip = Chip(device, SIDE, SIDE, settings=FINE_ADC)
    return float(_scatter(chip, acceptance_microsiemens * _MICRO).mean())


def multiply_energy(
    device: str,
    energy_table: str,
    input_bits: int,
    adc_bits: int,
    components: Sequence[str] = (),
    without: Sequence[str] = (),
    rows: int = 256,
) -> float:
    """Return the energy of a multiplication with accumulation, in pJ.

    A square array, two cells to a weight of which one is at the lowest level, random weights (normal, a quarter of the
    range) and inputs, and 8 ADC channels.

    Parameters
    ----------
    device, energy_table : str
    input_bits, adc_bits : int
        Rows are driven by a DAC; inputs of one bit by switches.
    components : sequence of str
        Of the ledger's breakdown; by default the forward account and static power.
    without : sequence of str
        Components that are not in it: what a published macro does not have.
    rows : int
        And columns.
    """
    settings: dict[str, Any] = {"array.input_bits": input_bits, "array.adc_bits": adc_bits, "array.adc_channels": 8}
    settings["array.inputs"] = "dac" if input_bits > 1 else "planes"
    chip = Chip(device, rows, rows, energy_table=energy_table, settings=settings)
    pairs = rows // 2
    rng = np.random.default_rng(0)
    weights = np.clip(np.rint(rng.normal(0, 15 / 4, (rows, pairs))), -15, 15).astype(np.int64)
    chip.write_levels(np.stack([weights.clip(0), (-weights).clip(0)], axis=-1).reshape(rows, rows))
    before = chip.cost
    chip.multiply(rng.integers(0, 1 << input_bits, (VECTORS, rows)))
    after = chip.cost
    key, parts = ("energy_breakdown_j", components) if components else ("energy_j", ("forward", "static"))
    spent = sum(after[key][part] - before[key].get(part, 0.0) for part in parts)
    parts_of = [cost["energy_breakdown_j"] for cost in (before, after)]
    spent -= sum(parts_of[1].get(part, 0.0) - parts_of[0].get(part, 0.0) for part in without)
    return float(spent) / (VECTORS * rows * pairs) / 1e-12


def conversion_energy(energy_table: str, adc_bits: int) -> float:
    """Return the energy of one conversion, in pJ."""
    chip = Chip("ideal", SIDE, SIDE, energy_table=energy_table, settings={"array.adc_bits": adc_bits})
    chip.read()
    cost = chip.cost
    return float(cost["energy_breakdown_j"]["adc_verify"]) / cost["verify_reads"] / 1e-12


def sparse_update(quantity: str) -> float:
    """Return what the siamese policy saves in an epoch of the quick reproduction of mlp-256: 0.99 is 99 %."""
    figures = _quick_reproduction()
    if quantity == "update_elimination":
        return float(figures["epochs"][METHOD][0][quantity]["mean"])
    return float(figures["savings"]["closed-loop"][quantity]["mean"])


@cache
def _quick_reproduction() -> dict[str, Any]:
    choices = {"quick": True, "seeds": 1, "networks": ("mlp-256",), "policies": (METHOD, "closed-loop")}
    config = ReproductionConfig().merge(choices)
    with tempfile.TemporaryDirectory() as folder, RunFolder.create(Path(folder) / "run", config) as run:
        result = reproduce(config, run, SilentProgress())
    figures: dict[str, Any] = result["networks"]["mlp-256"]
    return figures


def _scatter(chip: Chip, tolerance_s: float | None = None) -> npt.NDArray[np.bool_]:
    """Write the cells to random conductances of the window; gives which succeeded."""
    config = chip.config
    assert config is not None
    low, high = config.cells.g_min_s, config.cells.g_max_s
    targets = np.random.default_rng(0).uniform(low, high, (chip.rows, chip.columns))
    return chip.write_conductance(targets, tolerance_s=tolerance_s).ok


def _state(chip: Chip, tick: int) -> Floats:
    config = chip.config
    assert config is not None
    return conductances_s(config, chip.emulated.controller, chip.emulated.cells(), tick)[0]


MEASURES: Final[Mapping[str, Callable[..., float]]] = {
    function.__name__: function
    for function in (
        programming_noise,
        relaxation_spread,
        write_success,
        multiply_energy,
        conversion_energy,
        sparse_update,
    )
}
"""What an anchor can name."""
