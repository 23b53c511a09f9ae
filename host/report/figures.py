"""The figures of a run that matter most, as text: the page and the terminal show the same ones."""

import math
from dataclasses import dataclass

from twinbar.host.report import si
from twinbar.host.report.energy import (
    HOST,
    REFERENCE,
    account_energies_j,
    account_label,
    host_j,
    near_one_or_percent,
    parts,
    reduction_with_host,
    saving_range,
)
from twinbar.host.report.schema import Compare, Epoch, PeriodReport, Report, quotient


@dataclass(frozen=True)
class KeyFigure:
    """One key figure: what it is, its value with unit, and a short remark."""

    label: str
    value: str
    note: str = ""


def _interval(account: PeriodReport, part: str) -> str:
    """Return the plausible interval of an energy as text, or nothing where the report states none."""
    interval = account.interval_j(part)
    if interval is None:
        return ""
    low, high = interval
    return f"{si.si(low, 'J', 2)} to {si.si(high, 'J', 2)}"


def _difference(epoch: Epoch) -> str:
    """Tell crossbar and twin apart: by accuracy, and by how often they give the same class."""
    remarks = []
    if epoch.test_accuracy is not None and epoch.twin_test_accuracy is not None:
        points = 100 * (epoch.test_accuracy - epoch.twin_test_accuracy)
        remarks.append(f"crossbar {points:+.2f} points".replace("-", "−"))
    if epoch.agreement is not None:
        remarks.append(f"same class {si.percent(epoch.agreement, 1)}")
    return ", ".join(remarks)


def key_figures(report: Report) -> list[KeyFigure]:
    """List the key figures of a run; those that need a crossbar are left out where there was none."""
    last = report.last
    if last is None:
        return []
    if not report.on_crossbar:
        value = si.percent(last.test_accuracy) if last.test_metric is None else si.ratio(last.test_metric)
        what = "accuracy" if last.test_metric is None else str(report.metric)
        return [
            KeyFigure(f"Final test {what}", value, "float network, no crossbar"),
            KeyFigure("Training time", si.duration(report.totals.host_seconds), "on the host"),
        ]
    totals = report.totals
    first = report.epochs[0]
    where = f"test set, after epoch {last.epoch}"
    if last.test_metric is not None:
        listed = [
            KeyFigure(f"Metric, crossbar ({report.metric})", si.ratio(last.test_metric), where),
            KeyFigure("Metric, float twin", si.ratio(last.twin_test_metric)),
        ]
    else:
        listed = [
            KeyFigure("Accuracy, crossbar", si.percent(last.test_accuracy), where),
            KeyFigure("Accuracy, float twin", si.percent(last.twin_test_accuracy), _difference(last)),
        ]
    if len(report.epochs) > 1:
        listed.append(KeyFigure("Update elimination, first epoch", si.near_one(first.update_elimination)))
        listed.append(KeyFigure("Update elimination, last epoch", si.near_one(last.update_elimination)))
    else:
        listed.append(KeyFigure("Update elimination", si.near_one(first.update_elimination), "first and only epoch"))
    listed += [
        KeyFigure(
            "Updates per weight",
            si.ratio(totals.updates_per_weight),
            f"{si.count(totals.weight_updates)} updates of {si.count(last.weights)} weights",
        ),
        KeyFigure(
            "Write energy",
            si.si(totals.energy_j.get("write"), "J"),
            _interval(totals, "write") or f"{si.count(totals.cell_writes)} closed-loop writes",
        ),
        KeyFigure("Write latency", si.duration(totals.seconds.get("write")), "slowest tile of each step"),
        KeyFigure(
            "Whole-system energy",
            si.si(totals.energy_j.get("total"), "J"),
            _interval(totals, "total") or "writing, forward, link, static",
        ),
        *_with_host(totals),
        KeyFigure("Whole-system latency", si.duration(totals.seconds.get("total")), "controller time"),
        *_efficiency(report),
    ]
    if report.wear is not None:
        listed.append(
            KeyFigure(
                "Wear, worst cell",
                f"{si.count(report.wear.max_pulses_per_cell)} pulses",
                f"mean {si.ratio(report.wear.mean_pulses_per_cell)} per cell",
            )
        )
    return listed


def _efficiency(report: Report) -> list[KeyFigure]:
    """Return what a multiplication with accumulation takes, alone and with the controller, and the area of the chip."""
    listed = []
    found = report.totals.efficiency
    if found is not None:
        for label, kind in (("Energy per MAC, forward pass", "forward"), ("Energy per MAC, with controller", "system")):
            interval = found.uncertainty_pj.get(kind, {}).get("independent")
            note = f"{si.ratio(found.tops_per_w.get(kind))} TOPS/W"
            if interval is not None:
                low, high = (si.si(end * 1e-12, "J", 2) for end in interval)
                note += f"; {low} to {high}"
            listed.append(KeyFigure(label, si.si(found.pj_per_mac[kind] * 1e-12, "J"), note))
    if report.area is not None:
        low, high = (si.ratio(end, 2) for end in report.area.uncertainty_mm2.get("independent", (math.nan, math.nan)))
        listed.append(KeyFigure("Area", f"{si.ratio(report.area.mm2)} mm²", f"{low} to {high} mm²; without the twin"))
    return listed


def area_parts(report: Report) -> list[tuple[str, str, str]]:
    """Return the components of the chip's area, the largest first: what, how much, and its share."""
    area = report.area
    if area is None or not area.mm2:
        return []
    parts = sorted(area.breakdown_mm2.items(), key=lambda part: -part[1])
    return [(name.replace("_", " "), f"{si.ratio(mm2)} mm²", f"{100 * mm2 / area.mm2:.1f} %") for name, mm2 in parts]


def _with_host(totals: PeriodReport) -> list[KeyFigure]:
    """Return the energy of the whole system with the twin's memory, where that was counted."""
    if host_j(totals) <= 0 or "total_with_host" not in totals.energy_j:
        return []
    moved = totals.twin.bits_per_weight_and_step.get("total") if totals.twin else None
    note = _interval(totals, "total_with_host")
    if totals.twin and moved is not None:
        note = f"{totals.twin.kind}: {si.ratio(moved)} bits per weight, step"
    return [KeyFigure("Energy with twin memory", si.si(totals.energy_j["total_with_host"], "J"), note)]


TWIN_COLUMNS = ("Bits per weight and step", "Read", "Written")
_TWIN_TERMS = {
    "weight": "Weights, by the optimizer",
    "state": "State of the optimizer",
    "gradient": "Gradients",
    "backward": "Weights, by the backward pass",
    "level": "Levels that the cells hold",
    "policy": "Memories of the policy's own",
}


def twin_table(report: Report) -> list[list[str]]:
    """Return the rows of the table of the twin's memory, by `TWIN_COLUMNS`; none where it was not counted."""
    totals = report.totals
    last = report.last
    if totals.twin is None or not totals.steps or last is None or not last.weights:
        return []
    opportunities = max(last.weights * totals.steps - (totals.untrained_weight_steps or 0), 1)
    rows = []
    for term, label in _TWIN_TERMS.items():
        ways = totals.twin.bits.get(term, {})
        if term == "policy" and not any(ways.values()):
            continue
        rows.append([label, *(si.ratio(ways.get(way, 0) / opportunities) for way in ("read", "written"))])
    parts = [totals.twin.bits.get(term, {}) for term in _TWIN_TERMS]
    sums = [sum(ways.get(way, 0) for ways in parts) / opportunities for way in ("read", "written")]
    rows.append(["Total", *map(si.ratio, sums)])
    return rows


@dataclass(frozen=True)
class CostRow:
    """One quantity of the whole run: writing alone, the whole system, and with the twin's memory on the host."""

    quantity: str
    write: str
    system: str
    share: str
    """Writing as a part of the whole system."""
    with_host: str


def write_and_system(report: Report) -> list[CostRow]:
    """Put what writing takes beside what the whole system takes: the two figures that the field mixes up."""
    totals = report.totals
    steps = totals.steps or sum(epoch.steps or 0 for epoch in report.epochs)
    quantities = (
        ("Energy", totals.energy_j, lambda value: si.si(value, "J")),
        ("Latency", totals.seconds, si.duration),
        ("Controller cycles", totals.cycles, si.count),
    )
    rows = []
    for name, amounts, show in quantities:
        write, system = amounts.get("write"), amounts.get("total")
        if write is None or system is None:
            continue
        # The twin's memory takes no cycles of the controller.
        with_host = amounts.get("total_with_host")
        share = si.share(quotient(write, system))
        rows.append(CostRow(name, show(write), show(system), share, show(with_host)))
        if steps and name != "Controller cycles":
            write, system, with_host = (quotient(value, steps) for value in (write, system, with_host))
            rows.append(CostRow(f"{name} per step", show(write), show(system), share, show(with_host)))
    return rows


def writing_figures(account: PeriodReport) -> list[KeyFigure]:
    """List what a closed-loop write took on average: the quantities a device or circuit designer asks for."""
    writes = account.cell_writes
    if not writes:
        return []
    writing_j = account.energy_j.get("write")
    return [
        KeyFigure("Cell writes per weight update", si.ratio(quotient(writes, account.weight_updates))),
        KeyFigure("Pulses per cell write", si.ratio(quotient(account.total_pulses, writes))),
        KeyFigure("Verify reads per cell write", si.ratio(quotient(account.verify_reads, writes))),
        KeyFigure("Energy per cell write", si.si(quotient(writing_j, writes), "J")),
        KeyFigure("Energy per weight update", si.si(quotient(writing_j, account.weight_updates), "J")),
        KeyFigure("Failed writes", f"{si.count(account.failed_writes)} ({_failed(account)})"),
    ]


def _failed(account: PeriodReport) -> str:
    return si.share(quotient(account.failed_writes, account.cell_writes))


EPOCH_COLUMNS = (
    "Epoch",
    "Steps",
    "Loss",
    "Crossbar",
    "Twin",
    "Weight updates",
    "Per weight",
    "Update elimination",
    "Cell writes",
    "Failed",
    "Pulses",
    "Write energy",
    "Total energy",
    "Write latency",
    "Total latency",
    "Host time",
)
FLOAT_COLUMNS = ("Epoch", "Steps", "Loss", "Test accuracy", "Host time")


def _epoch_row(name: str, account: PeriodReport) -> list[str]:
    return [
        name,
        si.count(account.steps),
        si.ratio(account.train_loss),
        si.percent(account.test_accuracy),
        si.percent(account.twin_test_accuracy),
        si.count(account.weight_updates),
        si.ratio(account.updates_per_weight),
        si.near_one(account.update_elimination),
        si.count(account.cell_writes),
        _failed(account),
        si.count(account.total_pulses),
        si.si(account.energy_j.get("write"), "J"),
        si.si(account.energy_j.get("total"), "J"),
        si.duration(account.seconds.get("write")),
        si.duration(account.seconds.get("total")),
        si.duration(account.host_seconds),
    ]


def epoch_table(report: Report) -> tuple[tuple[str, ...], list[list[str]]]:
    """Return columns and rows of the table of epochs: first programming, epochs, and the totals last."""
    if not report.on_crossbar:
        rows = [
            [
                str(epoch.epoch),
                si.count(epoch.steps),
                si.ratio(epoch.train_loss),
                si.percent(epoch.test_accuracy),
                si.duration(epoch.host_seconds),
            ]
            for epoch in report.epochs
        ]
        return FLOAT_COLUMNS, rows
    rows = [_epoch_row(str(epoch.epoch), epoch) for epoch in report.epochs]
    if report.initialization is not None:
        first = report.initialization.model_copy(update={"steps": None})
        # What a step is measured by means nothing before the first step.
        first = first.model_copy(update=dict.fromkeys(("updates_per_weight", "update_elimination", "weight_updates")))
        rows.insert(0, _epoch_row("first programming", first))
    if len(report.epochs) > 1:
        # Losses and accuracies do not add up.
        summed = report.totals.model_copy(update=dict.fromkeys(("train_loss", "test_accuracy", "twin_test_accuracy")))
        rows.append(_epoch_row("total", summed))
    return EPOCH_COLUMNS, rows


def initialization_note(report: Report) -> str | None:
    """Say whether the totals include the first programming of the cells."""
    first = report.initialization
    if first is None or first.cell_writes is None or report.totals.cell_writes is None:
        return None
    in_epochs = sum(epoch.cell_writes or 0 for epoch in report.epochs)
    included = first.cell_writes > 0 and report.totals.cell_writes >= in_epochs + first.cell_writes
    return (
        f"The first programming of all cells ({si.count(first.cell_writes)} writes, "
        f"{si.si(first.energy_j.get('total'), 'J')}) is {'included' if included else 'not included'} in the totals."
    )


@dataclass(frozen=True)
class EnergyRow:
    """One line of the energy table; ``kind`` is account, part or total."""

    kind: str
    label: str
    energy: str
    interval: str
    share: str = ""
    fraction: float | None = None
    """Part of the whole system, or None for what is not in it."""


def energy_table(report: Report) -> list[EnergyRow]:
    """List accounts with their components and the total, with percentages of the whole system; then the host's part."""
    totals = report.totals
    system_j = totals.energy_j.get("total")
    if system_j is None:
        return []

    def row(kind: str, label: str, energy_j: float, key: str = "", in_system: bool = True) -> EnergyRow:
        fraction = (quotient(energy_j, system_j) or 0.0) if in_system else None
        share = "" if fraction is None else si.share(fraction)
        return EnergyRow(kind, label, si.si(energy_j, "J"), _interval(totals, key), share, fraction)

    rows = []
    components = [part for part in parts(totals) if part.account != HOST]
    accounts = {name: energy_j for name, energy_j in account_energies_j(totals).items() if name != HOST}
    for name in dict.fromkeys([*accounts, *(part.account for part in components)]):
        inside = [part for part in components if part.account == name]
        energy_j = accounts.get(name, sum(part.energy_j for part in inside))
        rows.append(row("account", account_label(name), energy_j, name))
        if len(inside) > 1:
            rows += [row("part", part.label, part.energy_j) for part in inside]
    rows.append(row("total", "Whole system", system_j, "total"))
    if host_j(totals) > 0:
        rows.append(row("account", account_label(HOST), host_j(totals), HOST, in_system=False))
        if "total_with_host" in totals.energy_j:
            with_host_j = totals.energy_j["total_with_host"]
            rows.append(row("total", "With memory of the twin", with_host_j, "total_with_host", in_system=False))
    return rows


COMPARE_COLUMNS = (
    "Policy",
    "Crossbar accuracy",
    "Twin accuracy",
    "Update elimination",
    "Cell writes",
    "Write energy",
    "Write latency",
    "Total energy",
    "With twin memory",
    "Total latency",
    "Worst wear",
)


def compare_table(compare: Compare) -> list[list[str]]:
    """Return the rows of the table of policies, by `COMPARE_COLUMNS`."""
    rows = []
    for name, report in compare.policies.items():
        totals, last = report.totals, report.last
        wear = report.wear.max_pulses_per_cell if report.wear else None
        rows.append(
            [
                name,
                si.percent(last.test_accuracy if last else None),
                si.percent(last.twin_test_accuracy if last and report.on_crossbar else None),
                si.near_one(totals.update_elimination if report.on_crossbar else None),
                si.count(totals.cell_writes),
                si.si(totals.energy_j.get("write"), "J"),
                si.duration(totals.seconds.get("write")),
                si.si(totals.energy_j.get("total"), "J"),
                si.si(totals.energy_j.get("total_with_host"), "J"),
                si.duration(totals.seconds.get("total")),
                si.count(wear),
            ]
        )
    return rows


REDUCTION_COLUMNS = {
    "cell_writes": "Cell writes",
    "write_energy": "Write energy",
    "write_latency": "Write latency",
    "total_energy": "Total energy",
    "total_latency": "Total latency",
    "with_host": "With twin memory",
}
"""Reductions of ``compare.json`` with their headings, and one that is computed here: energy with the host's part."""


def reduction_table(compare: Compare, with_factors: bool = True) -> list[list[str]]:
    """Return the rows of changes against closed-loop: a name, then one text for each of `REDUCTION_COLUMNS`."""
    rows = []
    for name, stated in compare.reduction_vs_closed_loop.items():
        saved = {**stated, "with_host": reduction_with_host(compare, name, REFERENCE)}
        values = [saved.get(key) for key in REDUCTION_COLUMNS]
        if name == REFERENCE or all(value is None or math.isnan(value) for value in values):
            continue
        rows.append([name, *(si.reduction(value, with_factors) for value in values)])
    return rows


INTERVAL_COLUMNS = ("Policy", "Saved", "Nominal", "Parts off independently", "Worst case")
_SAVED_ENERGIES = {
    "write_energy": "Write energy",
    "total_energy": "Total energy",
    "total_with_host": "With twin memory",
}


def interval_table(compare: Compare) -> list[list[str]]:
    """Return how far savings against closed-loop may be off, as entries of the table are, by `INTERVAL_COLUMNS`."""
    rows = []
    for name, found in compare.reduction_uncertainty_vs_closed_loop.items():
        stated = compare.reduction_vs_closed_loop.get(name, {})
        for quantity, label in _SAVED_ENERGIES.items():
            intervals, nominal = found.get(quantity), stated.get(quantity)
            if name == REFERENCE or intervals is None or nominal is None:
                continue
            ranges = [saving_range(intervals[kind]) for kind in ("independent", "worst_case")]
            rows.append([name, label, near_one_or_percent(nominal), *ranges])
    return rows


WRITE_COLUMNS = (
    "Write algorithm",
    "Pulses",
    "Reads",
    "Drive updates",
    "Energy",
    "Cycles",
    "Write latency",
    "Final error",
    "Failed",
    "Worst wear",
)
"""Figures per write, but for the latency of all, the error of the cells at the end in levels, and the wear."""

_OPTIMA = {
    "fewest_pulses": "fewest pulses",
    "fewest_reads": "fewest reads",
    "least_energy": "least energy",
    "least_latency": "least time",
    "closest": "closest to the levels",
}


def write_table(compare: Compare) -> list[list[str]]:
    """Return the rows of the table of write algorithms, by `WRITE_COLUMNS`; none where policies are compared."""

    def number(value: float | None, places: int) -> str:
        return si.MISSING if value is None else f"{value:.{places}f}"

    rows = []
    for name, figures in compare.writes.items():
        rows.append(
            [
                name,
                *(number(figures.get(key), 2) for key in ("pulses", "reads", "drive_updates")),
                si.si(figures.get("energy_j"), "J"),
                number(figures.get("cycles"), 0),
                si.duration(figures.get("write_latency_s")),
                number(figures.get("final_error_levels"), 3),
                si.percent(figures.get("failed")),
                si.count(figures.get("max_pulses_per_cell")),
            ]
        )
    return rows


def best_writes(compare: Compare) -> str | None:
    """Say which write algorithm is best at what; None where policies are compared."""
    parts = [f"{words}: {compare.best_writes[key]}" for key, words in _OPTIMA.items() if key in compare.best_writes]
    return f"{'; '.join(parts)}.".capitalize() if parts else None
