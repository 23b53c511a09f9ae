"""Where the joules of an epoch go, for two update policies."""

import tempfile

from matplotlib.figure import Figure

import twinbar as tb
from pictures.paper import new_page
from twinbar.host.report.style import TINTS, vertical_grid

POLICIES = ("closed-loop", "siamese")
ACCOUNTS = {"write": "writing", "forward": "forward pass", "link": "streams", "static": "static power"}


def draw() -> Figure:
    """Draw the accounts of one epoch on the digits."""
    with tempfile.TemporaryDirectory() as folder:
        runs = tb.compare(policies=POLICIES, epochs=1, batch_size=16, out=f"{folder}/run", progress=False)
        energies = {name: runs[name, 0].report["totals"]["energy_j"] for name in POLICIES}
    figure = new_page(7.4, 1.9)
    axes = figure.subplots()
    for place, name in enumerate(reversed(POLICIES)):
        left = 0.0
        for account, label in ACCOUNTS.items():
            amount = energies[name][account] * 1e6
            axes.barh(place, amount, left=left, height=0.6, color=TINTS[account][0], label=label if place else None)
            left += amount
        share = energies[name]["write"] / energies[name]["total"]
        axes.text(left, place, f"  {left:.3g} µJ, {share:.1%} for writing", va="center", fontsize=8.5)
    axes.set_yticks(range(len(POLICIES)), list(reversed(POLICIES)))
    axes.set(xlabel="energy of one epoch on the digits, 64-256-10 (µJ)")
    axes.set_xlim(0, axes.get_xlim()[1] * 1.35)
    axes.legend(ncols=4, loc="lower left", bbox_to_anchor=(0, 1.0), fontsize=8, frameon=False)
    vertical_grid(axes)
    return figure
