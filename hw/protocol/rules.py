"""Rules on the arguments of a command: what a tile must find true before it starts one.

A rule is data. Gateware makes logic of it, the engine ``events`` evaluates it, compiled kernels take it as a row of a
table, ``verify`` draws arguments that keep or break it, and the reference prints it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from .enumerations import Status
from .sizes import MAX_COLUMNS


@dataclass(frozen=True)
class GeometryBound:
    """A bound that is fixed when a controller is built: a member of `ControllerConfig`; ``called`` in the reference."""

    name: str
    called: str = ""

    def __str__(self) -> str:
        return self.called or self.name


@dataclass(frozen=True)
class Setting:
    """A bound that a field of a register holds."""

    register: str
    field: str = "value"

    def __str__(self) -> str:
        return f"`{self.register}`" if self.field == "value" else f"`{self.register}.{self.field}`"


Bound = int | GeometryBound | Setting
Resolve = Callable[[Bound], int]

ROWS = GeometryBound("rows")
COLUMNS = GeometryBound("columns")
WORDS = GeometryBound("words")
CHANNELS = GeometryBound("adc_channels")
CASCADE = GeometryBound("cascade")
SHARED_INPUTS = GeometryBound("shared_inputs")
LAST_ENTRY = GeometryBound("last_entry", "pulse_entries - 1")
PULSE_TABLE = GeometryBound("pulse_entries")
COMPARISONS = GeometryBound("compare")
CHAIN = GeometryBound("chain")
OUTPUT_WORDS = GeometryBound("output_words", "words of `columns` activations")
SCALED_COLUMNS = GeometryBound("scaled_columns", "columns")
CAPPED = GeometryBound("capped", "caps")
LEVELS = Setting("LEVELS")
PULSE_LIMIT = Setting("PULSE_LIMIT")
USES_TABLE = Setting("WRITE_TABLE", "use")


@dataclass(frozen=True)
class Below:
    """An argument is less than a bound; if ``halved_by`` is set in the command, than half of it."""

    argument: str
    bound: Bound
    status: Status = Status.BAD_ADDRESS
    halved_by: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments that it looks at."""
        return (self.argument, self.halved_by) if self.halved_by else (self.argument,)

    def holds(self, values: Mapping[str, int], resolve: Resolve) -> bool:
        """Whether arguments keep it."""
        return values[self.argument] < resolve(self.bound) >> _halvings(self.halved_by, values)

    def __str__(self) -> str:
        return f"`{self.argument}` < {self.bound}{_or_half(self.bound, self.halved_by)}"


@dataclass(frozen=True)
class Span:
    """``count`` neighbours from ``first`` on end within a bound, or half of it; a count of 0 stands for 1024."""

    first: str
    count: str
    bound: Bound
    status: Status = Status.BAD_ADDRESS
    halved_by: str = ""

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments that it looks at."""
        return (self.first, self.count, *((self.halved_by,) if self.halved_by else ()))

    def holds(self, values: Mapping[str, int], resolve: Resolve) -> bool:
        """Whether arguments keep it."""
        end = values[self.first] + (values[self.count] or MAX_COLUMNS)
        return end <= resolve(self.bound) >> _halvings(self.halved_by, values)

    def __str__(self) -> str:
        return f"`{self.first}` + `{self.count}` <= {self.bound}{_or_half(self.bound, self.halved_by)}"


@dataclass(frozen=True)
class Aligned:
    """An argument is a multiple of a bound, which is a power of two."""

    argument: str
    unit: GeometryBound
    status: Status = Status.BAD_ADDRESS

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments that it looks at."""
        return (self.argument,)

    def holds(self, values: Mapping[str, int], resolve: Resolve) -> bool:
        """Whether arguments keep it."""
        return values[self.argument] % resolve(self.unit) == 0

    def __str__(self) -> str:
        return f"`{self.argument}` a multiple of {self.unit}"


@dataclass(frozen=True)
class Within:
    """An argument lies between a number and a bound; without a bound, it is that number or more."""

    argument: str
    least: int
    most: Bound | None = None
    status: Status = Status.BAD_VALUE

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments that it looks at."""
        return (self.argument,)

    def holds(self, values: Mapping[str, int], resolve: Resolve) -> bool:
        """Whether arguments keep it."""
        value = values[self.argument]
        return self.least <= value and (self.most is None or value <= resolve(self.most))

    def __str__(self) -> str:
        if self.most is None:
            return f"`{self.argument}` >= {self.least}"
        return f"{self.least} <= `{self.argument}` <= {self.most}"


@dataclass(frozen=True)
class OneOf:
    """An argument is one of some members of an enumeration."""

    argument: str
    members: tuple[Enum, ...]
    status: Status = Status.BAD_VALUE

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments that it looks at."""
        return (self.argument,)

    def holds(self, values: Mapping[str, int], resolve: Resolve) -> bool:
        """Whether arguments keep it."""
        return values[self.argument] in {member.value for member in self.members}

    def __str__(self) -> str:
        return f"`{self.argument}` is {' or '.join(f'`{member.name}`' for member in self.members)}"


@dataclass(frozen=True)
class NotBoth:
    """At most one of two flags is set."""

    one: str
    other: str
    status: Status = Status.BAD_VALUE

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments that it looks at."""
        return (self.one, self.other)

    def holds(self, values: Mapping[str, int], resolve: Resolve) -> bool:
        """Whether arguments keep it."""
        return not (values[self.one] and values[self.other])

    def __str__(self) -> str:
        return f"not both `{self.one}` and `{self.other}`"


@dataclass(frozen=True)
class Needs:
    """An argument is at most a number without an option, or a flag of a register, which is then a bound of 1."""

    argument: str
    option: GeometryBound | Setting
    most: int = 0
    status: Status = Status.BAD_VALUE

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments that it looks at."""
        return (self.argument,)

    def holds(self, values: Mapping[str, int], resolve: Resolve) -> bool:
        """Whether arguments keep it."""
        return bool(resolve(self.option)) or values[self.argument] <= self.most

    def __str__(self) -> str:
        kept = f"<= {self.most}" if self.most else "is 0"
        if isinstance(self.option, Setting):
            return f"`{self.argument}` {kept} unless {self.option} is 1"
        return f"`{self.argument}` {kept} without the option `{self.option}`"


Rule = Below | Span | Aligned | Within | OneOf | NotBoth | Needs


def _halvings(flag: str, values: Mapping[str, int]) -> int:
    return int(bool(flag) and bool(values[flag]))


def _or_half(bound: Bound, flag: str) -> str:
    return f" (with `{flag}`: half of it)" if flag else ""
