"""Where the energy went: accounts, components, and what dominates what is left.

As in the ledger, the whole system is the crossbar with its controller; the memory of the twin is the host computer's,
and stated separately.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from twinbar.emulator.ledger.ledger import ACCOUNTS, CELL_ENTRIES, ENTRIES, PUMP, TOTALS
from twinbar.host.report import si
from twinbar.host.report.schema import Compare, PeriodReport, quotient

OTHER: Final = "other"
_LABELS: Final = {
    "write": "Writing",
    "forward": "Forward pass",
    "link": "Link",
    "host": "Memory of the twin",
    "static": "Static power",
    OTHER: "Other",
}
HOST: Final = "host"
REFERENCE: Final = "closed-loop"
"""Policy that the stated reductions are relative to."""
ORDER: Final = (*(account for account in ACCOUNTS if account != HOST), OTHER, HOST)
"""Accounts in the order in which they are stacked and listed."""

COMPONENT_LABELS: Final = {
    "cell_set": "SET pulses, heat in cells",
    "cell_reset": "RESET pulses, heat in cells",
    "cell_verify": "Verify reads, heat in cells",
    "cell_forward": "Forward reads, heat in cells",
    "pulse_lines": "Lines charged by pulses",
    "adc_verify": "Verify conversions (ADC)",
    "adc_forward": "Forward conversions (ADC)",
    "compare": "Comparisons with a threshold",
    "drive": "Write drive",
    "charge_pump": "Losses of the charge pump",
    "select": "Cell selection",
    "write_logic": "Write logic",
    "row_drive": "Row drivers",
    "input_step": "Input registers",
    "shift_add": "Shift and add",
    "commands": "Command beats",
    "responses": "Response beats",
    "partial_sums": "Partial sums in cascades",
    "packing": "Packing of outputs",
    "digital_functions": "Digital functions between layers",
    "transfers": "Transfers between layers",
    "shared_commands": "Command beats that several tiles take",
    "twin_memory": "Memory of the twin",
    "twin_random": "Random numbers of the twin",
    "channel_wake": "Waking ADC channels",
    "clock_gating": "Gating the clocks of tiles",
}
_ACCOUNT_OF: Final = {component: account for account, component in (*ENTRIES.values(), *CELL_ENTRIES.values(), PUMP)}
_STATIC: Final = "static_"
_ACRONYMS: Final = ("adc", "dac", "fpga", "sram", "tia", "usb")
_BALANCE: Final = 1e-6
"""Relative difference between parts and total that rounding of many float sums may leave."""
_UNCHANGED: Final = 5e-4
"""Reductions below this are told as none."""


@dataclass(frozen=True)
class ComponentEnergy:
    """One component's energy."""

    name: str
    label: str
    account: str
    energy_j: float
    share: float
    """Fraction of the whole system, without the host; NaN where that is zero, and for components of the host."""


def component_label(name: str) -> str:
    """Return the heading of a component; one that is not known is told by its own name."""
    if name.startswith(_STATIC):
        words = [word.upper() if word in _ACRONYMS else word for word in name.removeprefix(_STATIC).split("_")]
        return f"Static power of {' '.join(words)}"
    return COMPONENT_LABELS.get(name, name.replace("_", " ").capitalize())


def account_label(name: str) -> str:
    """Return the heading of an account."""
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _account_of(name: str) -> str:
    if name.startswith(_STATIC) or name == "static":
        return "static"
    return _ACCOUNT_OF.get(name, OTHER)


def parts(period: PeriodReport) -> list[ComponentEnergy]:
    """List the components of a period in the order of `ORDER`, the largest of each account first."""
    energies = period.energy_breakdown_j
    system = sum(energy_j for name, energy_j in energies.items() if _account_of(name) != HOST)
    found = []
    for name, energy_j in energies.items():
        account = _account_of(name)
        share = math.nan if account == HOST or not system else energy_j / system
        found.append(ComponentEnergy(name, component_label(name), account, energy_j, share))
    return sorted(found, key=lambda part: (ORDER.index(part.account), -part.energy_j))


def account_energies_j(period: PeriodReport) -> dict[str, float]:
    """Return the energy of each account in joules, in the order of `ORDER`, without the totals."""
    stated = {name: energy_j for name, energy_j in period.energy_j.items() if name in ACCOUNTS or name not in TOTALS}
    known: dict[str, float] = {name: stated.pop(name) for name in ORDER if name in stated}
    return known | stated


def host_j(period: PeriodReport) -> float:
    """Return the energy of the twin's memory on the host in joules."""
    return period.energy_j.get(HOST, 0.0)


def imbalance(period: PeriodReport) -> str | None:
    """Say where the ledger does not balance: accounts and components must each sum to the totals.

    Returns
    -------
    str or None
        One sentence, or None for a ledger that balances (or that was not kept).
    """
    by_component: dict[str, float] = {}
    for part in parts(period):
        by_component[part.account] = by_component.get(part.account, 0.0) + part.energy_j
    for what, energies in (("accounts", account_energies_j(period)), ("components", by_component)):
        for name in ("total", "total_with_host"):
            total = period.energy_j.get(name)
            if total is None or not energies:
                continue
            # Accounts that the ledger's table does not list belong to the system.
            found = sum(energy_j for account, energy_j in energies.items() if account != HOST or HOST in TOTALS[name])
            if abs(found - total) > _BALANCE * max(abs(total), abs(found)):
                return (
                    f"The energy ledger does not balance: its {what} sum to {si.si(found, 'J', 6)}, "
                    f"its {name.replace('_', ' ')} is {si.si(total, 'J', 6)}."
                )
    return None


def _inline(label: str) -> str:
    """Write a label in the middle of a sentence: acronyms keep their capitals."""
    return label if label.split()[0].rstrip(",").isupper() else label[0].lower() + label[1:]


def _largest(period: PeriodReport) -> str | None:
    """Name the largest component of the whole system, with its share."""
    spent = [part for part in parts(period) if part.account != HOST and part.energy_j > 0]
    if not spent:
        return None
    largest = max(spent, key=lambda part: part.energy_j)
    return f"{_inline(largest.label)}, {si.share(largest.share)}"


def dominance(period: PeriodReport) -> str | None:
    """Say what takes most of the energy, what writing takes, and what the twin's memory takes on top.

    Returns
    -------
    str or None
        None where no energy was spent.
    """
    total = period.energy_j.get("total", 0.0)
    if total <= 0:
        return None
    sentences = []
    largest = _largest(period)
    if largest is not None:
        sentences.append(f"Largest component of the {si.si(total, 'J')} of the whole system: {largest}.")
    if "write" in period.energy_j:
        sentences.append(f"Writing takes {si.share(period.energy_j['write'] / total)}.")
    if host_j(period) > 0:
        sentences.append(f"The twin's memory on the host takes another {si.si(host_j(period), 'J')}.")
    return " ".join(sentences)


def reduction_with_host(compare: Compare, policy: str, reference: str) -> float | None:
    """Return the reduction of the energy with the twin's memory against another policy of the comparison."""
    if policy not in compare.policies or reference not in compare.policies:
        return None
    mine, theirs = (compare.policies[name].totals.energy_j.get("total_with_host") for name in (policy, reference))
    left = quotient(mine, theirs)
    return None if left is None else 1 - left


def savings(compare: Compare, policy: str, reference: str) -> str | None:
    """Say what a policy saves against another, written only and as a whole, and what dominates what is left."""
    saved = compare.reduction_vs_closed_loop.get(policy, {})
    written, whole = saved.get("write_energy"), saved.get("total_energy")
    if policy == reference or written is None or whole is None:
        return None
    off = compare.reduction_uncertainty_vs_closed_loop.get(policy, {}) if reference == REFERENCE else {}
    sentence = (
        f"{policy} against {reference}: write energy {_change(written)}{_range(off, 'write_energy', written)}, "
        f"whole-system energy {_change(whole)}{_range(off, 'total_energy', whole)}"
    )
    with_host = reduction_with_host(compare, policy, reference)
    if with_host is not None and host_j(compare.policies[policy].totals) > 0:
        sentence += f", with the memory of the twin {_change(with_host)}{_range(off, 'total_with_host', with_host)}"
    largest = _largest(compare.policies[policy].totals) if policy in compare.policies else None
    if largest is not None:
        sentence += f". Largest component of what is left: {largest}"
    return sentence + "."


def _range(intervals: Mapping[str, Mapping[str, tuple[float, float]] | None], quantity: str, saved: float) -> str:
    """Say between what a saving lies, or the increase that a negative one is, as the energy table may be off."""
    found = intervals.get(quantity)
    if found is None:
        return ""
    low, high = found["independent"]
    return f" ({saving_range((low, high) if saved >= 0 else (-high, -low))})"


def saving_range(interval: Sequence[float]) -> str:
    """Write the interval of a saving, with as many digits as tell its ends apart."""
    low, high = (near_one_or_percent(end) for end in interval)
    return low if low == high else f"{low.removesuffix(' %')} to {high}"


def near_one_or_percent(saved: float) -> str:
    """Write a saving: those near one with more digits."""
    return si.near_one(saved) if saved > 0.9 else si.percent(saved, 1)


def _change(fraction: float) -> str:
    """Say a reduction in words."""
    if abs(fraction) < _UNCHANGED:
        return "unchanged"
    if fraction < 0:
        return f"up {si.percent(-fraction, 1)}"
    return f"down {near_one_or_percent(fraction)}"
