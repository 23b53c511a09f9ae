"""The measured figures as Markdown tables, for `tools/generate_docs.py`."""

import statistics
from collections.abc import Iterable
from typing import Any

from figures.figure_record import FigureRecord, load_record
from figures.measurements import POLICIES, is_stale
from twinbar.host.experiment.mean_interval import mean_interval
from twinbar.host.report.si import si


def readme_figures() -> str:
    """The table of README: one line for each claim, with the commit that was measured."""
    epochs, policies, speed, area = "mnist-epochs", "mnist-policies", "speed", "area"
    seeds, rates = list(load_record(epochs).figures.values()), load_record(speed).figures
    below = _interval([100 * (seed["float"] - seed["accuracy"]) for seed in seeds], ".2f")
    up5k, ecp5 = load_record(area).figures.values()
    images = [(rates[f"train_images_per_s{batch}"], rates[f"torch_images_per_s{batch}"]) for batch in _BATCHES]
    shares = [f"{ours / torch:.0%}".replace("%", " %") for ours, torch in images]
    rows = [
        ("update elimination in the first epoch", f"{_mean(seeds, 'update_elimination'):.2%}", epochs),
        (
            f"accuracy of the crossbar after 8 epochs, mean of {len(seeds)} seeds",
            f"{_mean(seeds, 'accuracy'):.2%}; {below} points below `float` with the same schedule",
            epochs,
        ),
        ("updates per weight over these 8 epochs", f"{_mean(seeds, 'updates_per_weight'):.2f}", epochs),
        *(
            (
                f"`siamese` against `{yardstick}`, one epoch",
                f"write energy {_saved(load_record(policies), yardstick, 'energy_j', 'write')}, write latency "
                f"{_saved(load_record(policies), yardstick, 'seconds', 'write')}, whole-system energy "
                f"{_saved(load_record(policies), yardstick, 'energy_j', 'total')}",
                policies,
            )
            for yardstick in POLICIES[:-1]
        ),
        (
            "closed-loop writes, one core, one-level moves",
            f"{rates['writes_per_s'] / 1e6:.1f} million cells/s; {_power(rates['kernel_cycles_per_s'])} controller "
            "cycles/s",
            speed,
        ),
        (
            "the controller's netlist, compiled (`rtl`), one tile with its array",
            f"{_power(rates['rtl_cycles_per_s'])} cycles/s, {rates['rtl_over_pysim']:,.0f} times Amaranth's simulator; "
            f"`fast` is {rates['fast_over_rtl']:.0f} times as quick again",
            speed,
        ),
        (
            "one tile of the controller, 128 x 128, without the link",
            f"{up5k['cells']:,} logic cells of an iCE40UP5K, {max(up5k['clocks_mhz']):g} MHz; "
            f"{max(ecp5['clocks_mhz']):g} MHz on an ECP5",
            area,
        ),
        (
            "training 784-256-128-10, 2 cores",
            f"{shares[0]} of PyTorch alone at batch 100 ({images[0][0]:,.0f} images/s), {shares[1]} at batch 10 "
            f"({images[1][0]:,.0f}), {shares[2]} at batch 1 ({images[2][0]:,.0f})",
            speed,
        ),
        ("memory of the emulated array", f"{rates['bytes_per_cell']:.1f} bytes per cell", speed),
    ]
    return _table(("what", "measured", "at"), ((what, _spaced(figure), _at(of)) for what, figure, of in rows))


def readme_energy() -> str:
    """The paragraph of README on where the energy of an epoch goes."""
    few_bits = load_record("mnist-twins").figures["32"]["energy_j"]
    chip = load_record("mnist-sums-on-chip").figures
    total = few_bits["total"]
    parts = {name: f"{few_bits[name] / total:.0%}" for name in ("static", "forward", "link")}
    return _spaced(
        f"With the writes gone, the rest of the system dominates: of {_joules(total)} for an epoch of `siamese`, "
        f"{parts['static']} is static, {parts['forward']} the forward pass, {parts['link']} the streams, and "
        f"{few_bits['write'] / total:.2%} writing.\nWith four ADC channels, and [sums, packing and shared inputs on "
        f"the chip](docs/benchmarks.md#sums-on-the-chip), it takes {_joules(chip['energy_j']['total'])} and "
        f"{chip['seconds']['total']:.2f} s.\nThe twin's memory on the host takes another "
        f"{_joules(chip['energy_j']['host'])} as float32, or {_joules(few_bits['host'])} as a [twin of few "
        f"bits](docs/twin.md). [Before and\nafter](docs/before-and-after.md) shows all of it together "
        f"({_at('mnist-twins')}; {_at('mnist-sums-on-chip')})."
    )


def mnist_epochs(name: str = "mnist-epochs") -> str:
    """The table of `benchmarks/mnist_figures.py`."""
    record = load_record(name)
    seeds = list(record.figures.values())
    for seed in seeds:
        seed["below"] = 100 * (seed["float"] - seed["accuracy"])
    lines = (
        ("accuracy, crossbar", "accuracy", ".4f"),
        ("accuracy, its twin", "twin", ".4f"),
        ("accuracy, `float` alone", "float", ".4f"),
        ("below `float`, points", "below", ".2f"),
        ("update elimination, epoch 1", "update_elimination", ".5f"),
        ("write elimination, epoch 1", "write_elimination", ".5f"),
        ("updates per weight, 8 epochs", "updates_per_weight", ".2f"),
        ("pulses per cell, first programming included", "mean_pulses_per_cell", ".2f"),
    )
    rows = (
        (what, *(format(seed[key], form) for seed in seeds), _interval([seed[key] for seed in seeds], form))
        for what, key, form in lines
    )
    heads = ("figure", *(f"seed {number}" for number in record.figures), "mean, 95 % interval")
    return f"{_table(heads, rows)}\n\nAt {_at(name)}.\n"


def hysteresis() -> str:
    """The table of `benchmarks/hysteresis_courses.py`."""
    record = load_record("hysteresis")
    lines = (("accuracy", ".2%"), ("loss", ".4f"), ("updates_per_weight", ".2f"), ("elimination", ".3%"))
    rows = (
        (name, *(_spaced(_interval([seed[key] for seed in seeds.values()], form)) for key, form in lines))
        for name, seeds in record.figures.items()
    )
    heads = ("hysteresis in levels", "accuracy", "loss", "updates per weight", "elimination in epoch 1")
    return f"{_table(heads, rows)}\n\n{record.workload}; means with 95 % intervals, at {_at('hysteresis')}.\n"


def mnist_policies() -> str:
    """The tables of the comparison of policies over one epoch."""
    record = load_record("mnist-policies")
    runs = record.figures
    lines = [
        ("accuracy, crossbar", lambda run: f"{run['accuracy']:.2%}"),
        ("cell writes", lambda run: f"{run['cell_writes']:,}"),
        ("write pulses", lambda run: f"{run['pulses']:,}"),
        ("write energy", lambda run: _joules(run["energy_j"]["write"])),
        ("write latency", lambda run: si(run["seconds"]["write"], "s")),
        ("forward energy", lambda run: _joules(run["energy_j"]["forward"])),
        ("whole-system energy", lambda run: _joules(run["energy_j"]["total"])),
        ("whole-system latency", lambda run: si(run["seconds"]["total"], "s")),
        ("with the memory of the twin", lambda run: _joules(run["energy_j"]["total_with_host"])),
    ]
    first = _table(
        ("", *(f"`{policy}`" for policy in runs)),
        ((what, *(_spaced(show(run)) for run in runs.values())) for what, show in lines),
    )
    second = _table(
        (
            "`siamese` against",
            "cell writes",
            "write energy",
            "write latency",
            "whole-system energy",
            "whole-system latency",
        ),
        (
            (
                f"`{policy}`",
                _less(runs["siamese"]["cell_writes"], runs[policy]["cell_writes"], 3),
                *(
                    _spaced(_saved(record, policy, *keys))
                    for keys in (
                        ("energy_j", "write"),
                        ("seconds", "write"),
                        ("energy_j", "total"),
                        ("seconds", "total"),
                    )
                ),
            )
            for policy in POLICIES[:-1]
        ),
    )
    return f"{first}\n\n{second}\n\nAt {_at('mnist-policies')}.\n"


def layer_chains() -> str:
    """The tables of `benchmarks/layer_chains.py`."""
    return "\n".join(_chained(name, data) for name, data in (("chains-digits", "Digits"), ("chains-mnist", "MNIST")))


def _chained(name: str, data: str) -> str:
    record = load_record(name)
    apart, chained = (list(record.figures[case].values()) for case in ("apart", "chained"))
    lines: list[tuple[str, str, str, float, str]] = [
        ("response beats", "response_beats", ",.1f", 1, ""),
        ("command beats, to all tiles", "command_beats", ",.1f", 1, ""),
        ("tile-cycles idle in the forward pass", "idle", ".1%", 1, ""),
        ("time of the forward pass", "forward_seconds", ",.3f", 1e6, " us"),
        ("energy", "total_j", ",.2f", 1e9, " nJ"),
        ("of it, forward pass and digital functions", "forward_j", ",.2f", 1e9, " nJ"),
        ("of it, streams", "link_j", ",.2f", 1e9, " nJ"),
        ("of it, static", "static_j", ",.2f", 1e9, " nJ"),
    ]
    rows = []
    for what, key, form, factor, unit in lines:
        row = [what]
        for part in ("training", "evaluation"):
            before, after = (statistics.mean(run[part][key] for run in runs) for runs in (apart, chained))
            row += [_spaced(f"{factor * value:{form}}{unit}") for value in (before, after)]
            row.append("" if form.endswith("%") else _spaced(f"{after / before - 1:+.1%}"))
        rows.append(row)
    accuracies = [
        [f"{statistics.mean(run['accuracy'] for run in runs):.2%}" for runs in (apart, chained)],
        [f"{statistics.mean(run['evaluation']['accuracy'] for run in runs):.2%}" for runs in (apart, chained)],
    ]
    rows.append(["accuracy", *(_spaced(cell) for pair in accuracies for cell in (*pair, ""))])
    heads = (
        f"{data}, per image",
        "training, layers apart",
        "chained",
        "",
        "test set, layers apart",
        "chained",
        "",
    )
    seeds = ", ".join(record.figures["apart"])
    return f"{_table(heads, rows)}\n\n{record.workload}; seeds {seeds}; at {_at(name)}.\n"


def bench_figures() -> str:
    """The table of `twinbar bench`."""
    rates = load_record("speed").figures

    def several(name: str) -> tuple[str, str]:
        keys = [f"{name}{batch}" for batch in _BATCHES]
        hundred, ten, one = (f"{rates[key]:,.0f}" for key in keys)
        return ", ".join(f"`{key}`" for key in keys), f"{hundred}, {ten} and {one} images/s"

    rows = (
        ("`writes_per_s`", f"{rates['writes_per_s']:,.0f} cells/s"),
        ("`kernel_cycles_per_s`", f"{rates['kernel_cycles_per_s']:,.0f} cycles/s"),
        ("`rtl_cycles_per_s` (netlist of one tile)", f"{rates['rtl_cycles_per_s']:,.0f} cycles/s"),
        ("`rtl_tile_cycles_per_s` (16 tiles)", f"{rates['rtl_tile_cycles_per_s']:,.0f} cycles/s"),
        ("`pysim_cycles_per_s`", f"{rates['pysim_cycles_per_s']:,.0f} cycles/s"),
        ("`events_phases_per_s`", f"{rates['events_phases_per_s']:,.0f} phases/s"),
        ("`fast_over_rtl`", f"{rates['fast_over_rtl']:,.0f}"),
        ("`rtl_over_pysim`", f"{rates['rtl_over_pysim']:,.0f}"),
        (
            "`four_tiles_over_one`",
            f"{rates['four_tiles_over_one']:.3f}, standard error {rates['four_tiles_over_one_error']:.3f}, over "
            f"{rates['four_tiles_over_one_writes']:,} writes",
        ),
        (
            "`controller_overhead`, `controller_overhead_serial_parts`",
            f"{rates['controller_overhead']:.4f} and {rates['controller_overhead_serial_parts']:.4f}",
        ),
        (
            "`link_bytes_per_write`, `link_bytes_per_response`",
            f"{rates['link_bytes_per_write']:.2f} and {rates['link_bytes_per_response']:.2f} bytes",
        ),
        ("`bytes_per_cell`", f"{rates['bytes_per_cell']:.2f}"),
        several("train_images_per_s"),
        several("torch_images_per_s"),
    )
    pulses = rates["four_tiles_over_one_pulses"]
    compared = "fewer" if pulses < 1 else "more"
    read = (
        f"The four tiles made {abs(1 - pulses):.1%} {compared} pulses than the one, by chance; "
        f"per pulse it is {rates['four_tiles_over_one'] * pulses:.2f} times.\n\n"
        f"`kernel_cycles_per_s` and `rtl_tile_cycles_per_s` are both of 16 tiles and one core: `fast` is "
        f"{rates['kernel_cycles_per_s'] / rates['rtl_tile_cycles_per_s']:,.0f} times as quick there.\n"
    ).replace("%", " %")
    return f"{_table(('key', 'figure'), rows)}\n\nAt {_at('speed')}.\n\n{read}"


def twin_and_whole() -> str:
    """The table of the energy of an epoch with the memory of the twin."""
    policies, residuals = load_record("mnist-policies"), load_record("mnist-twins")
    runs = {f"`{policy}`, `float32`": policies.figures[policy] for policy in ("closed-loop", "siamese")}
    runs |= {f"`siamese`, `residual`, words of {bits} bits": run for bits, run in residuals.figures.items()}
    energies = [run["energy_j"] for run in runs.values()]
    rows = (
        (what, _joules(energy["total"]), _joules(energy["total_with_host"]))
        for what, energy in zip(runs, energies, strict=True)
    )
    every, plain, words, _ = (energy["total_with_host"] for energy in energies)
    table = _table(("energy of the epoch", "crossbar and controller", "with the memory of the twin"), rows)
    saved = _spaced(
        f"With the twin's memory `siamese` saves {1 - plain / every:.1%} where both have a twin of float32, and "
        f"{1 - words / every:.1%} with a residual twin in words of 32 bits."
    )
    return f"{table}\n\n{saved} At {_at('mnist-policies')} and {_at('mnist-twins')}.\n"


def area_and_clock() -> str:
    """The table of `benchmarks/area.py`."""
    record = load_record("area")
    rows = (
        (
            title,
            f"{found['cells']:,}",
            found["block_rams"],
            found["multipliers"],
            f"{max(found['clocks_mhz'])} MHz ({', '.join(map(str, found['clocks_mhz']))})",
        )
        for title, found in record.figures.items()
    )
    heads = ("device", "logic cells", "block RAMs", "multipliers", "clock, best placement")
    return f"{_table(heads, rows)}\n\nAt {_at('area')}.\n"


_BATCHES = ("", "_batch10", "_batch1")


def _at(name: str) -> str:
    """Return the commit of a measurement; pages never show a stale figure without a word."""
    return f"`{load_record(name).commit}`{', stale' if is_stale(name) else ''}"


def _mean(seeds: list[dict[str, Any]], key: str) -> float:
    return statistics.mean(seed[key] for seed in seeds)


def _interval(values: list[float], form: str) -> str:
    found = mean_interval(values)
    return f"{found['mean']:{form}} ± {found['high'] - found['mean']:{form}}"


def _saved(record: FigureRecord, policy: str, *keys: str) -> str:
    ours, theirs = (record.figures[name] for name in ("siamese", policy))
    for key in keys:
        ours, theirs = ours[key], theirs[key]
    return _less(ours, theirs, 1 if keys[-1] == "total" else 2)


def _less(ours: float, theirs: float, digits: int) -> str:
    return f"{100 * (ours / theirs - 1):+.{digits}f} %"


def _joules(value: float) -> str:
    return si(value, "J").replace("µ", "u")


def _power(value: float) -> str:
    mantissa, _, exponent = f"{value:.1e}".partition("e+")
    return f"{mantissa} x 10^{int(exponent)}"


def _spaced(text: str) -> str:
    return text.replace("%", " %").replace("  %", " %")


def _table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    heads = tuple(heads)
    lines = [heads, tuple("---" for _ in heads), *(tuple(row) for row in rows)]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
