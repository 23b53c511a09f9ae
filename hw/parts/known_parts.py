"""All parts by name, those of plug-ins too, and the tables of ``docs/parts.md``, which ``make docs`` writes."""

from collections.abc import Iterable, Sequence
from typing import Final

from twinbar.hw.built_in import declared
from twinbar.hw.registry import Registry, Unfit

from .adc import AdcPart
from .bus import BusTiming, bus_cycles
from .dac import DacPart
from .i2c import I2cTiming
from .switch import SWITCHES, SwitchPart

Part = DacPart | AdcPart | SwitchPart

_CLOCKS_HZ = (12e6, 48e6, 100e6)


def _accept(found: object) -> Part:
    if not isinstance(found, DacPart | AdcPart | SwitchPart):
        raise Unfit(f"is {found!r}; it must be a DacPart, an AdcPart or a SwitchPart of twinbar.hw.parts")
    return found


KNOWN_PARTS: Final[Registry[Part]] = Registry(
    "part", "twinbar.parts", declared("twinbar.hw.parts", "PARTS"), _accept, lambda part: part.name
)


def catalogue() -> tuple[Part, ...]:
    """Return every part of this package: what its modules name ``PARTS``, by role and name."""
    return tuple(sorted(KNOWN_PARTS.built_in().values(), key=lambda part: (_role(part), part.name)))


def _role(part: Part) -> str:
    if isinstance(part, DacPart):
        return f"DAC, {part.channels} x {part.bits} bits"
    if isinstance(part, AdcPart):
        return f"ADC, {part.channels} x {part.bits} bits"
    return f"switch, {SWITCHES} (opened by {part.open_pin.value})"


def frame_bits(part: Part) -> int:
    """Return the length of a part's frame; of a switch, that of a chain of one."""
    if isinstance(part, DacPart):
        return part.word_bits
    return part.frame_bits if isinstance(part, AdcPart) else SWITCHES


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _limits(timing: BusTiming, *names: str) -> str:
    """Return limits as text; a question mark follows those that could not be checked."""

    def one(name: str) -> str:
        value = getattr(timing, name)
        return "-" if value is None else f"{value:.4g}" + ("?" if name in timing.unverified else "")

    return " / ".join(one(name) for name in names)


def limits_table() -> str:
    """Return the table of limits, in nanoseconds."""
    head = (
        "part",
        "role",
        "mode",
        "bits",
        "clock: period / high / low",
        "select: setup / hold / high / period",
        "data in: setup / hold",
        "data out: access / hold",
        "settles",
    )
    rows = []
    for part in catalogue():
        timing = part.timing
        rows.append(
            (
                part.name,
                _role(part),
                "I2C" if isinstance(timing, I2cTiming) else str(timing.mode),
                str(frame_bits(part)),
                _limits(timing, "period_ns", "high_ns", "low_ns"),
                _limits(timing, "select_setup_ns", "select_hold_ns", "select_high_ns", "select_period_ns"),
                _limits(timing, "data_setup_ns", "data_hold_ns"),
                "-" if timing.access_ns is None else _limits(timing, "access_ns", "output_hold_ns"),
                f"{part.settle_ns:.6g}" if part.settle_ns else "-",
            )
        )
    return _table(head, rows)


def sources_table() -> str:
    """Return the table of sources."""
    return _table(("part", "source"), ((part.name, part.timing.source) for part in catalogue()))


def cycles_table() -> str:
    """Return the cycles of a frame at some clocks."""
    head = ("part", *(f"{clock_hz / 1e6:g} MHz" for clock_hz in _CLOCKS_HZ))
    rows = []
    for part in catalogue():
        bits = frame_bits(part)
        frames = (bus_cycles(part.timing, clock_hz, bits).frame(bits) for clock_hz in _CLOCKS_HZ)
        rows.append((part.name, *(str(frame) for frame in frames)))
    return _table(head, rows)
