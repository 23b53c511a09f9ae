"""What the emulator comes to where something was published: each function measures one kind of figure."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from twinbar.emulator.crossbar.cell_state import conductances_s
from twinbar.emulator.crossbar.write_registers import Ramp
from twinbar.emulator.devices.layout import RESET, SET
from twinbar.emulator.devices.preset import load_preset
from twinbar.host.cells.bias_record import BiasRecord
from twinbar.host.cells.chip import Chip
from twinbar.host.data import load_dataset
from twinbar.host.experiment.config import ExperimentConfig
from twinbar.host.experiment.progress_display import SilentProgress
from twinbar.host.experiment.reproduction import reproduce
from twinbar.host.experiment.reproduction_config import METHOD, ReproductionConfig
from twinbar.host.experiment.run_folder import RunFolder
from twinbar.host.experiment.train import train
from twinbar.host.validation.changed_preset import preset_file, scaled

SIDE: Final = 32
"""Rows and columns of the arrays whose cells are measured."""
FINE_ADC: Final = {"array.adc_bits": 12}
VECTORS: Final = 16
"""Input vectors that are multiplied."""
MNIST_PIXELS: Final = 28
"""Pixels of a side of MNIST's images."""
_MICRO: Final = 1e-6
_RECORDS: Final[tuple[tuple[int, Literal["set", "reset"]], ...]] = ((SET, "set"), (RESET, "reset"))
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


def fixed_pulse_writes(
    device: str,
    low_ohm: float,
    high_ohm: float,
    quantity: Literal["mean", "median", "success"],
    gate_volts: float | None = None,
    limit: int = 1000,
) -> float:
    """Return what fixed pulses with verify take (FPPV): a SET where a read is too low, a RESET where it is too high.

    Cells begin erased. The RESET has the highest amplitude of the preset's ramp, which erases a cell.

    Parameters
    ----------
    device : str
        A preset with a gate.
    low_ohm, high_ohm : float
        Resistances between which a write ends.
    quantity : {"mean", "median", "success"}
        Pulses of a write after the first RESET, or the share of cells that end between the resistances.
    gate_volts : float, optional
        Gate voltage of SETs; by default the one that allows the middle of the window's conductances.
    limit : int
        Pulses of each polarity that a write can have.
    """
    pulses, hit = _fixed_pulses(device, low_ohm, high_ohm, gate_volts, limit)
    if quantity == "success":
        return float(hit.mean())
    return float(np.mean(pulses) if quantity == "mean" else np.median(pulses))


@cache
def _fixed_pulses(
    device: str, low_ohm: float, high_ohm: float, gate_volts: float | None, limit: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Write an array of cells so; gives the pulses of each and which have succeeded."""
    chip = Chip(device, SIDE, SIDE, settings=FINE_ADC)
    config = chip.config
    assert config is not None
    low, high = 1 / high_ohm, 1 / low_ohm if low_ohm else np.inf
    if gate_volts is None:
        law = load_preset(device).gate
        assert law is not None
        gate_volts = law.offset.si + (low + high) / 2 / law.slope.si
    registers, widths = config.registers, (config.timing.width_set, config.timing.width_reset)
    chip.disarm()
    forward, back, target_gate, open_gate = map(
        _fixed,
        (
            registers.set_amplitude.stop,
            registers.reset_amplitude.stop,
            config.cells.volts_to_code(gate_volts),
            registers.reset_gate.stop,
        ),
    )
    chip.set_record("set", BiasRecord(bit_line=forward, word_line=target_gate, width_cycles=widths[SET]))
    chip.set_record("reset", BiasRecord(source_line=back, word_line=open_gate, width_cycles=widths[RESET]))
    chip.arm("write")
    pulses = np.zeros((2, SIDE, SIDE), np.int64)
    hit = np.zeros((SIDE, SIDE), bool)
    pending, below = ~hit, ~hit
    while pending.any():
        for polarity, record in _RECORDS:
            rows, columns = np.nonzero(pending & (below if polarity == SET else ~below))
            if len(rows):
                chip.pulse(record, rows, columns)
                pulses[polarity, rows, columns] += 1
        rows, columns = np.nonzero(pending)
        found = chip.read_conductance(rows, columns)
        below[rows, columns] = found < low
        hit[rows, columns] = (found >= low) & (found <= high)
        pending = ~hit & (pulses < limit).all(axis=0)
    return pulses.sum(axis=0), hit


def trained_accuracy(
    policy: str,
    device: str,
    hidden: Sequence[int],
    pixels: int = MNIST_PIXELS,
    settings: Mapping[str, Any] | None = None,
) -> float:
    """Return the accuracy on the test images of MNIST after training a multilayer perceptron in situ.

    Parameters
    ----------
    policy, device : str
    hidden : sequence of int
        Widths of the hidden layers.
    pixels : int
        28, or 8: the inner 24 x 24 pixels, averaged by threes.
    settings : mapping, optional
        Other keys of the configuration.
    """
    choices = {"policy.name": policy, "device.preset": device, "model.hidden": tuple(hidden), **(settings or {})}
    with tempfile.TemporaryDirectory() as folder:
        data = "mnist" if pixels == MNIST_PIXELS else _shrunken_mnist(Path(folder))
        config = ExperimentConfig().merge({"data.name": data, **choices})
        with RunFolder.create(Path(folder) / "run", config) as run:
            report = train(config, run, SilentProgress(), False)
    return float(report["epochs"][-1]["test_accuracy"])


def multiply_energy(
    device: str,
    energy_table: str,
    input_bits: int,
    adc_bits: int,
    components: Sequence[str] = (),
    without: Sequence[str] = (),
    rows: int = 256,
    read_volts: float | None = None,
    settings: Mapping[str, Any] | None = None,
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
    read_volts : float, optional
        Voltage that rows are driven to; by default that of the preset.
    settings : mapping, optional
        Other keys of the configuration.
    """
    bits = {"array.input_bits": input_bits, "array.adc_bits": adc_bits, "array.adc_channels": 8}
    choices = {**bits, "array.inputs": "dac" if input_bits > 1 else "planes", **(settings or {})}
    with _read_at(device, read_volts) as preset:
        chip = Chip(preset, rows, rows, energy_table=energy_table, settings=choices)
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
    """Return what the siamese policy saves in an epoch of MNIST with mlp-256: 0.99 is 99 %."""
    figures = _one_epoch()
    if quantity == "update_elimination":
        return float(figures["epochs"][METHOD][0][quantity]["mean"])
    return float(figures["savings"]["closed-loop"][quantity]["mean"])


@cache
def _one_epoch() -> dict[str, Any]:
    choices = {"training.epochs": 1, "seeds": 1, "networks": ("mlp-256",), "policies": (METHOD, "closed-loop")}
    config = ReproductionConfig().merge(choices)
    with tempfile.TemporaryDirectory() as folder, RunFolder.create(Path(folder) / "run", config) as run:
        result = reproduce(config, run, SilentProgress())
    figures: dict[str, Any] = result["networks"]["mlp-256"]
    return figures


@contextmanager
def _read_at(device: str, volts: float | None) -> Iterator[str]:
    """Give a preset as it is, or a file of it with another read voltage."""
    if volts is None:
        yield device
        return
    preset = load_preset(device)
    with preset_file(scaled(preset, "read.voltage", volts / preset.read.voltage.si)) as path:
        yield str(path)


def _fixed(code: int) -> Ramp:
    return Ramp(code, 0, code)


def _shrunken_mnist(folder: Path) -> str:
    """Write MNIST in 8 x 8 pixels: the inner 24 x 24, averaged by threes; returns the file."""
    whole = load_dataset("mnist")
    parts = {"x_train": whole.train_images, "x_test": whole.test_images}
    inner = {name: images[:, 2:-2, 2:-2].reshape(-1, 8, 3, 8, 3).mean((2, 4)) for name, images in parts.items()}
    small = {name: np.rint(images).astype(np.uint8) for name, images in inner.items()}
    path = folder / "mnist-8.npz"
    np.savez(path, **small, y_train=whole.train_labels, y_test=whole.test_labels)
    return str(path)


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
        fixed_pulse_writes,
        trained_accuracy,
        multiply_energy,
        conversion_energy,
        sparse_update,
    )
}
"""What an anchor can name."""
