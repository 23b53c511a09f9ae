"""The ledger: integer totals of what programs did, turned into seconds and joules.

Energy is the sum of action counts times table entries, plus the energy dissipated in cells, plus static power times
time (Accelergy: Wu, Emer, Sze, ICCAD 2019). Totals are exact integers; floats appear only in `Ledger.summary`.

Every joule is entered twice, under a component and under an account, so that both splits have the same total
(``total_with_host``; ``total`` leaves out the host computer, whose memory holds the twin):

=========  ==========================================================================================================
account    components
=========  ==========================================================================================================
write      cell_set, cell_reset, cell_verify (heat in cells); pulse_lines (lines charged by pulses); adc_verify; drive;
           select; charge_pump (what it loses); write_logic; compare (comparisons, with their threshold DAC)
forward    cell_forward; adc_forward; row_drive; input_step; shift_add; partial_sums
link       commands; responses; packing; shared_commands
host       twin_memory; twin_random
static     static_<component>, one for each component with a static power in the table, over all of its states;
           channel_wake and clock_gating, which changes of state take
=========  ==========================================================================================================

Time has three accounts: write and forward are the cycles of the slowest tile of each program, link is what the streams
add to that, and their sum is the total.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np

from twinbar.emulator.contract.activity import COUNTS, Activity, ActivityTotal
from twinbar.emulator.crossbar.cell_energy import CELL_ENERGIES, CellEnergy
from twinbar.emulator.crossbar.configuration import CrossbarConfig
from twinbar.emulator.ledger.chip_area import area_figures
from twinbar.emulator.ledger.energy_table import EnergyTable, Price
from twinbar.emulator.ledger.line_voltages import REFERENCE, LineVoltages
from twinbar.emulator.ledger.running_total import RunningTotal
from twinbar.emulator.ledger.table_entries import REFERENCE_SIZE, ArraySize, Owner, PowerState
from twinbar.emulator.ledger.uncertainty import Contribution, by_part, intervals, of_accounts, quotient_intervals
from twinbar.hw.actions import ACTIONS, Action
from twinbar.hw.errors import ConfigError
from twinbar.hw.protocol.layouts import VALUE_BITS
from twinbar.hw.protocol.sizes import LANE_BITS
from twinbar.hw.timing import GATED, PHASES

Kind = Literal["write", "forward", "host"]
"""What a program was for. ``host`` is work on the host computer: it takes no cycles of the controller."""
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

ACCOUNTS: Final = ("write", "forward", "link", "host", "static")
"""What energy is spent on."""

TOTALS: Final[dict[str, tuple[str, ...]]] = {
    **{account: (account,) for account in ACCOUNTS},
    "total": ("write", "forward", "link", "static"),
    "total_with_host": ACCOUNTS,
}
"""Accounts behind each key of ``energy_j``: the crossbar and its controller, and the same with the twin's memory."""

ENTRIES: Final[dict[Action, tuple[str, str]]] = {
    Action.SELECT_CELL: ("write", "select"),
    Action.CONVERT_VERIFY: ("write", "adc_verify"),
    Action.CONVERT_FORWARD: ("forward", "adc_forward"),
    Action.DRIVE_UPDATE: ("write", "drive"),
    Action.PULSE_SET: ("write", "pulse_lines"),
    Action.PULSE_RESET: ("write", "pulse_lines"),
    Action.WRITE_OK: ("write", "write_logic"),
    Action.WRITE_FAILED: ("write", "write_logic"),
    Action.ROW_DRIVE: ("forward", "row_drive"),
    Action.INPUT_STEP: ("forward", "input_step"),
    Action.SHIFT_ADD: ("forward", "shift_add"),
    Action.COMMAND_BEAT: ("link", "commands"),
    Action.RESPONSE_BEAT: ("link", "responses"),
    Action.PARTIAL_SUM: ("forward", "partial_sums"),
    Action.PACKED_OUTPUT: ("link", "packing"),
    Action.SHARED_BEAT: ("link", "shared_commands"),
    Action.TWIN_ACCESS: ("host", "twin_memory"),
    Action.TWIN_RANDOM: ("host", "twin_random"),
    Action.COMPARE: ("write", "compare"),
    Action.CHANNEL_WAKE: ("static", "channel_wake"),
    Action.CLOCK_GATE: ("static", "clock_gating"),
    Action.REQUANTIZE: ("forward", "digital_functions"),
    Action.TRANSFERRED_WORD: ("forward", "transfers"),
}
"""Account and component of each action that has a price."""

CELL_ENTRIES: Final[dict[CellEnergy, tuple[str, str]]] = {
    CellEnergy.SET: ("write", "cell_set"),
    CellEnergy.RESET: ("write", "cell_reset"),
    CellEnergy.VERIFY: ("write", "cell_verify"),
    CellEnergy.FORWARD: ("forward", "cell_forward"),
}
"""Account and component of each cell energy."""

_ACTIONS_OF: Final = {
    account: tuple(action for action, (spent_on, _) in ENTRIES.items() if spent_on == account) for account in ACCOUNTS
}
_CELLS_OF: Final = {
    account: tuple(cell for cell, (spent_on, _) in CELL_ENTRIES.items() if spent_on == account) for account in ACCOUNTS
}

PUMP: Final = ("write", "charge_pump")
"""Account and component of what a charge pump loses."""
OPERATIONS_PER_MAC: Final = 2
"""A multiplication with accumulation is two operations, as the field counts them."""

_OPEN_TO: Final[dict[str, tuple[str, ...]]] = {
    "write": ("write", "link", "static"),
    "forward": ("forward", "link", "static"),
    "host": ("host",),
}
"""Accounts that a program of each kind may spend on."""

_CLOSED_ACTIONS: Final = {
    kind: np.array([action for action, (account, _) in ENTRIES.items() if account not in accounts])
    for kind, accounts in _OPEN_TO.items()
}
_CLOSED_CELLS: Final = {
    kind: tuple(cell for cell, (account, _) in CELL_ENTRIES.items() if account not in accounts)
    for kind, accounts in _OPEN_TO.items()
}
"""Actions and cell energies that a program of each kind cannot have."""
_CLOSED: Final = {
    kind: np.array(
        [
            *_CLOSED_ACTIONS[kind],
            *(len(ACTIONS) + cell for cell in _CLOSED_CELLS[kind]),
            *(range(COUNTS - len(PHASES), COUNTS) if kind == "host" else ()),
        ]
    )
    for kind in _OPEN_TO
}
"""Places of all counts that a program of each kind cannot have."""

_WORDS: Final = {
    "cell_set": "heat of SET pulses in cells",
    "cell_reset": "heat of RESET pulses in cells",
    "cell_verify": "heat of verify reads in cells",
    "cell_forward": "heat of the forward pass in cells",
    "pulse_lines": "charging lines for write pulses",
    "adc_verify": "verify conversions",
    "adc_forward": "forward conversions",
    "compare": "verify comparisons",
    "drive": "updates of the write drive",
    "charge_pump": "losses of the charge pump",
    "select": "cell selection",
    "write_logic": "write logic",
    "row_drive": "row drivers",
    "input_step": "input registers",
    "shift_add": "shift-and-add",
    "commands": "command beats",
    "responses": "response beats",
    "partial_sums": "partial sums in cascades",
    "packing": "packing of outputs",
    "shared_commands": "command beats that several tiles take",
    "twin_memory": "the twin's memory",
    "twin_random": "random numbers of the twin",
    "channel_wake": "waking ADC channels",
    "clock_gating": "gating the clocks of tiles",
    "digital_functions": "digital functions between layers",
    "transfers": "transfers between layers",
}


@dataclass(frozen=True)
class _Item:
    """One product of the energy sum, and the ends of what it plausibly is."""

    account: str
    component: str
    part: str
    energy_j: float
    low_j: float
    high_j: float


class Ledger:
    """Adds up what programs did and says what that took.

    Parameters
    ----------
    table : EnergyTable
    clock_hz : float
        Clock frequency of the controller; clocked static powers of the table are scaled to it.
    adc_bits : int
        Resolution of the ADC.
    input_dac_bits : int
        Bits of an input step: 1 for bit planes.
    cell_energy_unit_j : mapping of CellEnergy to float
        Joules of one unit of `Activity.cell_energy`.
    lane_bits : int
        Bits of a sum in a response beat.
    tiles : int
        Tiles that draw the table's static power per tile.
    channels : int
        ADC channels of a tile, which draw its static power per channel.
    compares : bool
        Whether the front ends can compare; where they cannot, a summary does not name comparisons.
    chains : bool
        Whether sums can become inputs of other tiles; where they cannot, a summary does not name what that takes.
    voltages : LineVoltages
        Of the lines that actions charge.
    size : ArraySize
        Of a tile, whose lines actions switch.

    Attributes
    ----------
    area : dict or None
        Of `twinbar.emulator.ledger.chip_area.area_figures`; None where the table is of no chip, or there is no array.

    Raises
    ------
    ConfigError
        If the table has no figure for a resolution, or a number is out of range.
    """

    def __init__(
        self,
        table: EnergyTable,
        *,
        clock_hz: float,
        adc_bits: int,
        input_dac_bits: int,
        cell_energy_unit_j: Mapping[CellEnergy, float],
        lane_bits: int = VALUE_BITS,
        tiles: int = 1,
        channels: int = 1,
        compares: bool = True,
        chains: bool = True,
        voltages: LineVoltages = REFERENCE,
        size: ArraySize = REFERENCE_SIZE,
    ) -> None:
        if not (math.isfinite(clock_hz) and clock_hz > 0):
            raise ConfigError(f"the ledger's clock is {clock_hz!r} Hz; it must be greater than zero")
        if tiles < 1:
            raise ConfigError(f"the ledger has {tiles} tiles; there must be 1 or more")
        if channels < 1:
            raise ConfigError(f"the ledger has {channels} ADC channels per tile; there must be 1 or more")
        units = [cell_energy_unit_j.get(cell, math.nan) for cell in CellEnergy]
        for name, unit in zip(CELL_ENERGIES, units, strict=True):
            if not (math.isfinite(unit) and unit >= 0):
                raise ConfigError(f"the unit of the cell energy {name} is {unit!r} J; it must be a number, 0 or more")
        self.table = table
        self.clock_hz = clock_hz
        self.tiles = tiles
        self.channels = channels
        self._cell_unit_j = units
        of_chains = (Action.REQUANTIZE, Action.TRANSFERRED_WORD)
        self._unnamed = (*(() if compares else (Action.COMPARE,)), *(() if chains else of_chains))
        self.area: dict[str, Any] | None = None
        self._prices = [
            table.price(action, adc_bits, input_dac_bits, lane_bits, voltages, size)
            if ACTIONS[action] in table.actions
            else Price(0.0, 0.0, 0.0, 0.0)
            for action in Action
        ]
        self._cell_pump = {
            CellEnergy.SET: table.pump_loss(voltages.set.nominal),
            CellEnergy.RESET: table.pump_loss(voltages.reset.nominal),
        }
        self._pumps = any(self._cell_pump.values()) or any(price.pump_j for price in self._prices)
        self._static_w = [entry.power_w(clock_hz, table.clock.hz) for entry in table.static_power]
        self._tallies: dict[Kind, RunningTotal] = {kind: RunningTotal() for kind in KINDS}

    @classmethod
    def of_crossbar(cls, table: EnergyTable, config: CrossbarConfig, tiles: int) -> "Ledger":
        """Open the ledger of a crossbar of so many tiles (errors as of the class).

        A table need not price what only options of a controller do; with the option it must.
        """
        array = config.array
        needed = {
            "cascade": (Action.PARTIAL_SUM, Action.SHARED_BEAT) if array.cascade else (),
            "shared_inputs": (Action.SHARED_BEAT,) if array.shared_inputs else (),
            "compare": (Action.COMPARE,) if array.compare else (),
            "outputs_per_beat": (Action.PACKED_OUTPUT,) if array.outputs_per_beat > 1 else (),
            "chain": (Action.REQUANTIZE, Action.TRANSFERRED_WORD, Action.PACKED_OUTPUT) if array.chain else (),
        }
        for option, actions in needed.items():
            for action in actions:
                if ACTIONS[action] not in table.actions:
                    raise ConfigError(
                        f"energy table {table.name} has no entry for {ACTIONS[action]}, which array.{option} needs; "
                        "add one (its value may be 0)"
                    )
        ledger = cls(
            table,
            clock_hz=config.clock_hz,
            adc_bits=array.adc_bits,
            input_dac_bits=array.input_bits if array.inputs == "dac" else 1,
            cell_energy_unit_j=config.cell_energy_unit_j,
            lane_bits=LANE_BITS[array.outputs_per_beat],
            tiles=tiles,
            channels=array.adc_channels,
            compares=bool(array.compare),
            chains=array.chain,
            voltages=LineVoltages.of_crossbar(config, None if table.supply is None else table.supply.value),
            size=ArraySize(array.rows, array.columns),
        )
        ledger.area = area_figures(table, array, tiles)
        return ledger

    def add(self, kind: Kind, activity: Activity) -> None:
        """Enter what a program did.

        Parameters
        ----------
        kind : {"write", "forward", "host"}
            What the program was for.
        activity : Activity

        Raises
        ------
        ValueError
            If the activity holds something that a program of this kind cannot do, such as a pulse in a forward pass:
            its cycles could not be told apart; or if ADC channels are on for longer than there are any. The ledger is
            left as it was.
        """
        if kind not in KINDS:
            raise ValueError(f"a program's kind is {kind!r}; it must be one of {', '.join(KINDS)}")
        at_host_only = not (activity.cycles or activity.link_cycles)
        if (at_host_only or kind != "host") and self._tallies[kind].add_plausible(
            activity, _CLOSED[kind], self.channels
        ):
            return
        _check_kind(kind, activity)
        on, most = int(activity.actions[Action.CHANNEL_CYCLE]), self.channels * sum(activity.phases.tolist())
        if on > most:
            raise ValueError(f"ADC channels are on for {on} cycles, and {most} are all that the activity has of them")
        self._tallies[kind].add(activity)

    def energy_j(self, account: str, activity: Activity | ActivityTotal) -> float:
        """Price what one activity spends on an account of `ENTRIES` and `CELL_ENTRIES`, in joules."""
        tally = ActivityTotal.of(activity) if isinstance(activity, Activity) else activity
        actions = sum(tally.actions[action] * self._prices[action].nominal_j for action in _ACTIONS_OF[account])
        cells = sum(tally.cell_energy[cell] * self._cell_unit_j[cell] for cell in _CELLS_OF[account])
        return actions + cells + (self._pump_j(tally) if account == PUMP[0] else 0.0)

    def _pump_j(self, tally: ActivityTotal) -> float:
        """Return what a charge pump loses for what was written."""
        if not self._pumps:
            return 0.0
        lines = (tally.actions[action] * self._prices[action].pump_j for action in _ACTIONS_OF[PUMP[0]])
        cells = (tally.cell_energy[cell] * self._cell_unit_j[cell] * loss for cell, loss in self._cell_pump.items())
        return math.fsum((*lines, *cells))

    def busy_s(self) -> float:
        """Seconds that all programs entered so far took, the streams' part included."""
        cycles = sum(tally.cycles + tally.link_cycles for tally in self.snapshot().values())
        return cycles / self.clock_hz

    def snapshot(self) -> dict[Kind, ActivityTotal]:
        """Return the totals up to now, to start a period (such as an epoch) with."""
        return {kind: tally.total() for kind, tally in self._tallies.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return the exact totals for a checkpoint, in a form that JSON holds without loss."""
        return {kind: tally.total().state_dict() for kind, tally in self._tallies.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a checkpoint's totals.

        Raises
        ------
        ConfigError
            If the state was written by another version or is damaged; the ledger is left as it was.
        """
        if set(state) != set(KINDS):
            raise ConfigError(f"the ledger's saved state holds {', '.join(state)}; it must hold {', '.join(KINDS)}")
        self._tallies = {kind: RunningTotal(ActivityTotal.from_state_dict(state[kind])) for kind in KINDS}

    def summary(self, since: Mapping[Kind, ActivityTotal] | None = None) -> dict[str, Any]:
        """Say what was done and what it took.

        Parameters
        ----------
        since : snapshot, optional
            Count only what was entered after this `snapshot`.

        Returns
        -------
        dict
            ``cell_writes``, ``failed_writes``, ``pulses`` (``set``, ``reset``), ``verify_reads`` (conversions of
            single-cell reads, discarded samples included) : int;
            ``actions`` : int by name;
            ``phase_cycles`` : tile-cycles by kind and phase;
            ``cycles``, ``seconds`` : ``write``, ``forward``, ``link`` and ``total``;
            ``energy_j`` : by account; ``total`` is the crossbar and its controller, without the host;
            ``total_with_host`` adds the twin's memory;
            ``energy_breakdown_j`` : by component;
            ``energy_uncertainty_j`` : for each key of ``energy_j`` the interval ``independent`` (the parts of the table
            are off independently, deviations add in quadrature) and the wider interval ``worst_case`` (all are off in
            the same direction, deviations add). Entries of one part always move together; counts are exact;
            ``energy_parts_j`` : by account and part of the table, nominal, lowest and highest joules: what the
            intervals of a saving are made from (`twinbar.emulator.ledger.uncertainty.saving_intervals`);
            ``efficiency`` : of the multiplications, where they were counted; see `_efficiency`.
        """
        start = since or {kind: ActivityTotal() for kind in KINDS}
        period = {kind: total - start[kind] for kind, total in self.snapshot().items()}
        whole = ActivityTotal()
        for tally in period.values():
            whole = whole + tally

        cycles = {
            "write": period["write"].cycles,
            "forward": period["forward"].cycles,
            "link": whole.link_cycles,
        }
        cycles["total"] = sum(cycles.values())
        items = self._items(whole, cycles["total"])
        parts = _parts(items)
        efficiency = self._efficiency(period["forward"])
        return {
            "cell_writes": whole.actions[Action.WRITE_OK] + whole.actions[Action.WRITE_FAILED],
            "failed_writes": whole.actions[Action.WRITE_FAILED],
            "pulses": {"set": whole.actions[Action.PULSE_SET], "reset": whole.actions[Action.PULSE_RESET]},
            "verify_reads": whole.actions[Action.CONVERT_VERIFY],
            "actions": {ACTIONS[action]: whole.actions[action] for action in Action if action not in self._unnamed},
            "phase_cycles": {
                kind: dict(zip(PHASES, period[kind].phases, strict=True)) for kind in KINDS if kind != "host"
            },
            "cycles": cycles,
            "seconds": {name: count / self.clock_hz for name, count in cycles.items()},
            "energy_j": _energies(items),
            "energy_breakdown_j": _sums(items, self._components(), lambda item: item.component),
            "energy_uncertainty_j": {
                name: intervals(of_accounts(parts, accounts)) for name, accounts in TOTALS.items()
            },
            "energy_parts_j": parts,
            **({} if efficiency is None else {"efficiency": efficiency}),
        }

    def _efficiency(self, forward: ActivityTotal) -> dict[str, Any] | None:
        """Return what a multiplication with accumulation takes: a weight of the network times an activation.

        Returns
        -------
        dict or None
            ``macs`` : their number; ``pj_per_mac`` : ``forward`` (the account) and ``system`` (with link and static
            power of the same programs); ``tops_per_w`` : the same, at two operations to each; ``tops`` : operations in
            the time of these programs, in 10^12 per second; ``uncertainty_pj`` : intervals of both. None without any.
        """
        if not forward.macs:
            return None
        cycles = forward.cycles + forward.link_cycles
        parts = _parts(self._items(forward, cycles))
        spent = {"forward": of_accounts(parts, ("forward",)), "system": of_accounts(parts, TOTALS["total"])}
        each = {name: math.fsum(spread[0] for spread in own.values()) / forward.macs for name, own in spent.items()}
        operations = OPERATIONS_PER_MAC * forward.macs
        return {
            "macs": forward.macs,
            "pj_per_mac": {name: energy_j / 1e-12 for name, energy_j in each.items()},
            "tops_per_w": {
                name: OPERATIONS_PER_MAC / energy_j / 1e12 if energy_j else None for name, energy_j in each.items()
            },
            "tops": operations * self.clock_hz / cycles / 1e12 if cycles else None,
            "uncertainty_pj": {name: quotient_intervals(own, forward.macs * 1e-12) for name, own in spent.items()},
        }

    def _items(self, tally: ActivityTotal, total_cycles: int) -> list[_Item]:
        items = []
        for action, price in zip(Action, self._prices, strict=True):
            name = ACTIONS[action]
            if name not in self.table.actions or action in self._unnamed:
                continue
            entry = self.table.actions[name]
            account, component = ENTRIES[action]
            count = tally.actions[action]
            ends = price.nominal_j * count, price.low_j * count, price.high_j * count
            items.append(_Item(account, component, entry.part or name, *ends))
        for cell, unit in zip(CellEnergy, self._cell_unit_j, strict=True):
            account, component = CELL_ENTRIES[cell]
            heat_j = tally.cell_energy[cell] * unit
            items.append(_Item(account, component, "cell", heat_j, *self.table.cell.bounds(heat_j)))
        if self.table.supply is not None:
            lost_j = self._pump_j(tally)
            items.append(_Item(*PUMP, PUMP[1], lost_j, *self.table.supply.bounds(lost_j)))
        cycles = self._state_cycles(tally, total_cycles)
        for static, power_w in zip(self.table.static_power, self._static_w, strict=True):
            component = f"static_{static.component}"
            energy_j = power_w * (cycles[static.per, static.state] / self.clock_hz)
            items.append(_Item("static", component, static.part or component, energy_j, *static.bounds(energy_j)))
        return items

    def _state_cycles(self, tally: ActivityTotal, total_cycles: int) -> dict[tuple[Owner, PowerState], int]:
        """Return for how many cycles components were in each state, summed over tiles or ADC channels."""
        gated = sum(tally.phases[phase] for phase in GATED)
        on = tally.actions[Action.CHANNEL_CYCLE]
        return {
            ("system", "always"): total_cycles,
            ("tile", "always"): self.tiles * total_cycles,
            ("tile", "clocked"): sum(tally.phases) - gated,
            ("tile", "gated"): gated,
            ("channel", "always"): self.tiles * self.channels * total_cycles,
            ("channel", "on"): on,
            ("channel", "off"): self.channels * sum(tally.phases) - on,
        }

    def _components(self) -> list[str]:
        named = [entry for action, entry in ENTRIES.items() if action not in self._unnamed]
        dynamic = [component for _, component in (*CELL_ENTRIES.values(), *named)]
        pump = [] if self.table.supply is None else [PUMP[1]]
        return [*dict.fromkeys([*dynamic, *pump]), *(f"static_{entry.component}" for entry in self.table.static_power)]


def _check_kind(kind: Kind, activity: Activity) -> None:
    if not activity.counts[_CLOSED[kind]].any() and not (kind == "host" and (activity.cycles or activity.link_cycles)):
        return
    closed_actions = activity.actions[_CLOSED_ACTIONS[kind]]
    if closed_actions.any():
        action = Action(_CLOSED_ACTIONS[kind][np.flatnonzero(closed_actions)[0]])
        raise ValueError(
            f"a {kind!r} activity counts {activity.actions[action]} {ACTIONS[action]}; "
            f"enter that as {ENTRIES[action][0]!r}"
        )
    for cell in _CLOSED_CELLS[kind]:
        if activity.cell_energy[cell]:
            raise ValueError(
                f"a {kind!r} activity has cell energy of {CELL_ENERGIES[cell]}; enter that as {CELL_ENTRIES[cell][0]!r}"
            )
    if kind == "host" and (activity.cycles or activity.link_cycles or activity.phases.any()):
        raise ValueError("a 'host' activity has cycles of the controller; enter those as 'write' or 'forward'")


def _sums(items: Iterable[_Item], names: Iterable[str], key: Callable[[_Item], str]) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in names}
    for item in items:
        found[key(item)].append(item.energy_j)
    return {name: math.fsum(energies) for name, energies in found.items()}


def _energies(items: list[_Item]) -> dict[str, float]:
    return {
        name: math.fsum(item.energy_j for item in items if item.account in accounts)
        for name, accounts in TOTALS.items()
    }


def _parts(items: Iterable[_Item]) -> dict[str, dict[str, list[float]]]:
    """Return nominal, lowest and highest joules of each part that spent any, by account."""
    found: dict[str, list[Contribution]] = {account: [] for account in ACCOUNTS}
    for item in items:
        if item.high_j:
            found[item.account].append(Contribution(item.part, item.energy_j, item.low_j, item.high_j))
    return {account: by_part(contributions) for account, contributions in found.items()}


def what_dominates(summary: Mapping[str, Any]) -> str:
    """Say in one sentence which component dominates the energy of crossbar and controller in a `Ledger.summary`.

    The twin's memory is stated separately: it is the host computer's, and common to all update policies.
    """
    breakdown = dict(summary["energy_breakdown_j"])
    twin = math.fsum(breakdown.pop(component) for account, component in ENTRIES.values() if account == "host")
    total = math.fsum(breakdown.values())
    if total <= 0:
        return "No energy was spent."
    first, second = sorted(breakdown, key=lambda name: breakdown[name], reverse=True)[:2]
    text = f"Of {_joules(total)}, {_share(breakdown[first], total)} goes to {_words(first)}"
    if breakdown[second] > 0:
        text += f" and {_share(breakdown[second], total)} to {_words(second)}"
    text += f"; writing takes {_share(summary['energy_j']['write'], total)} of all"
    if twin > 0:
        text += f"; the twin's memory on the host takes another {_joules(twin)}"
    return f"{text}."


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3g} %"


def _words(component: str) -> str:
    if component in _WORDS:
        return _WORDS[component]
    return "static power of the " + component.removeprefix("static_").replace("_", " ")


def _joules(energy_j: float) -> str:
    exponent = min(0, max(-5, math.floor(math.log10(energy_j) / 3)))
    prefix = ("", "m", "u", "n", "p", "f")[-exponent]
    return f"{energy_j / 1000.0**exponent:.3g} {prefix}J"
