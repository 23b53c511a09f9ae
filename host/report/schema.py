"""The shape of ``report.json`` and ``compare.json``, as a reader needs it.

Writers may add keys (the interface lets reports grow), so unknown keys are kept, not refused. Keys that depend on a
crossbar are optional: the policy ``float`` has none.
"""

import math
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twinbar.hw.errors import ConfigError

SCHEMA: Final = 1
"""Version of both files that this reader understands."""


class TwinReport(BaseModel):
    """What was read from and written to the memory of the twin."""

    model_config = ConfigDict(extra="allow")

    kind: str
    bits: dict[str, dict[str, int]]
    """By term, ``read`` and ``written``."""
    random_bits: int = 0
    bits_per_weight_and_step: dict[str, float] = Field(default_factory=dict)
    """By term, and ``total``; without what lies on no crossbar."""


class Efficiency(BaseModel):
    """What a multiplication with accumulation took, a weight of the network times an activation.

    ``forward`` is the forward account alone, ``system`` with link and static power of the same programs.
    """

    model_config = ConfigDict(extra="allow")

    macs: int
    pj_per_mac: dict[str, float]
    tops_per_w: dict[str, float | None] = Field(default_factory=dict)
    tops: float | None = None
    uncertainty_pj: dict[str, dict[str, tuple[float, float]]] = Field(default_factory=dict)


class AreaReport(BaseModel):
    """Area of crossbar and controller."""

    model_config = ConfigDict(extra="allow")

    mm2: float
    breakdown_mm2: dict[str, float] = Field(default_factory=dict)
    uncertainty_mm2: dict[str, tuple[float, float]] = Field(default_factory=dict)


class PeriodReport(BaseModel):
    """What a stretch of training did and cost: one epoch, the first programming, or the whole run."""

    model_config = ConfigDict(extra="allow")

    steps: int | None = None
    train_loss: float | None = None
    test_accuracy: float | None = None
    twin_test_accuracy: float | None = None
    test_metric: float | None = None
    twin_test_metric: float | None = None
    """The figure of merit, where it is no accuracy."""
    agreement: float | None = None
    """Fraction of test samples on which crossbar and twin give the same class."""
    weights: int | None = None
    cells: int | None = None
    untrained_weight_steps: int | None = None
    """Weights that steps left alone, summed over steps: of frozen layers, and of layers of other optimizers."""
    weight_updates: int | None = None
    updates_per_weight: float | None = None
    update_elimination: float | None = None
    cell_writes: int | None = None
    write_elimination: float | None = None
    failed_writes: int | None = None
    pulses: dict[str, int] | None = None
    verify_reads: int | None = None
    cycles: dict[str, int] = Field(default_factory=dict)
    seconds: dict[str, float] = Field(default_factory=dict)
    energy_j: dict[str, float] = Field(default_factory=dict)
    energy_breakdown_j: dict[str, float] = Field(default_factory=dict)
    energy_uncertainty_j: dict[str, dict[str, tuple[float, float]]] = Field(default_factory=dict)
    """For each key of ``energy_j``: the intervals ``independent`` and ``worst_case``, each from low to high."""
    efficiency: Efficiency | None = None
    twin: TwinReport | None = None
    host_seconds: float | None = None

    @property
    def total_pulses(self) -> int | None:
        """Write pulses of both polarities, or None where they were not counted."""
        return None if self.pulses is None else sum(self.pulses.values())

    def interval_j(self, account: str) -> tuple[float, float] | None:
        """Give the plausible interval of an energy when table entries are off independently, or None if not stated."""
        return self.energy_uncertainty_j.get(account, {}).get("independent")


class Epoch(PeriodReport):
    """One line of ``epochs``."""

    epoch: int


class Wear(BaseModel):
    """Pulses that the cells have seen."""

    model_config = ConfigDict(extra="allow")

    max_pulses_per_cell: float | None = None
    mean_pulses_per_cell: float | None = None


class Report(BaseModel):
    """The content of ``report.json``."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    schema_version: int = Field(alias="schema")
    config: dict[str, Any] = Field(default_factory=dict)
    environment: dict[str, Any] = Field(default_factory=dict)
    epochs: list[Epoch]
    totals: PeriodReport = Field(default_factory=PeriodReport)
    wear: Wear | None = None
    initialization: PeriodReport | None = None
    """The first programming of all cells."""
    warnings: list[str] = Field(default_factory=list)
    metric: str | None = None
    """Name of the figure of merit."""
    area: AreaReport | None = None
    energy_table: str = ""
    tiles: int = 0
    """None where the energy table stands for no chip."""
    policy: Any = None
    device: Any = None
    levels_per_cell: int | None = None
    weight_values: int | None = None

    @property
    def last(self) -> Epoch | None:
        """The last complete epoch, or None before the first one has ended."""
        return self.epochs[-1] if self.epochs else None

    @property
    def on_crossbar(self) -> bool:
        """Whether there was a crossbar: false for the policy ``float``, whose counts are absent or zero."""
        if self.policy == "float":
            return False
        accounts = (self.totals, *self.epochs)
        return any(bool(account.cells or account.cell_writes or account.energy_j.get("total")) for account in accounts)


class Compare(BaseModel):
    """The content of ``compare.json``."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    schema_version: int = Field(alias="schema")
    policies: dict[str, Report] = Field(min_length=1)
    reduction_vs_closed_loop: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    reduction_uncertainty_vs_closed_loop: dict[str, dict[str, dict[str, tuple[float, float]] | None]] = Field(
        default_factory=dict
    )
    """By policy and energy, the intervals ``independent`` and ``worst_case`` of a reduction."""
    writes: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    best_writes: dict[str, str] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)


def _sentence(error: ValidationError, where: str, command: str) -> str:
    """Say in one sentence what the first mistake is and how many there are."""
    first, *rest = error.errors()
    place = ".".join(str(part) for part in first["loc"]) or "the top level"
    more = f" (and {len(rest)} more)" if rest else ""
    return f"{where} is not what `twinbar {command}` writes: at {place}: {first['msg']}{more}"


def _check_version(data: object, where: str, command: str) -> None:
    """Refuse what is no object of a known version, before looking at its parts."""
    if not isinstance(data, dict):
        raise ConfigError(f"{where} is not what `twinbar {command}` writes: it must hold one JSON object")
    version = data.get("schema")
    if version != SCHEMA:
        raise ConfigError(f"{where} has schema {version!r}; this version of Twinbar reads schema {SCHEMA}")


def parse_report(data: object, where: str = "report.json") -> Report:
    """Check a report.

    Parameters
    ----------
    data : object
        What a JSON parser gave, or a `Report`.
    where : str
        Name for messages.

    Raises
    ------
    ConfigError
        If a key is missing or of the wrong type, or the schema is of another version.
    """
    if isinstance(data, Report):
        return data
    _check_version(data, where, "train")
    try:
        return Report.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_sentence(error, where, "train")) from None


def parse_compare(data: object, where: str = "compare.json") -> Compare:
    """Check a comparison; parameters and errors as in `parse_report`."""
    if isinstance(data, Compare):
        return data
    _check_version(data, where, "compare")
    try:
        return Compare.model_validate(data)
    except ValidationError as error:
        raise ConfigError(_sentence(error, where, "compare")) from None


def quotient(part: float | None, whole: float | None) -> float | None:
    """Divide, or give None where a number is missing or there is nothing to divide by."""
    if part is None or whole is None or whole == 0 or not math.isfinite(whole):
        return None
    return part / whole
