"""What a viewer shows first of a waveform: save files for GTKWave and Surfer, with the signals in groups.

The groups are those of the controller: the streams, and for every tile its sequencer, write drive, read-out, and pins.
Codes of enumerations are shown by their names in GTKWave, through small translation files beside the save file.

Sources: "GTKWave save files" as `vcd.gtkw` writes them; "Commands" in the Surfer book (``variable_add``,
``divider_add``), to be run with ``surfer --command-file``.
"""

import math
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from vcd.gtkw import GTKWSave

from twinbar.hw.gateware.tile_states import TileState
from twinbar.hw.protocol.vocabulary import Mode, Opcode, Record, Selection, Status
from twinbar.hw.timing import Phase

TOP: Final = "controller"
"""Scope that holds everything."""

_PARTS: Final = {
    "sequencer": ("control.sequencer", "control.clock.timer", "control.supervisor"),
    "write drive": ("drive.write_drive",),
    "read-out": (
        "readout.walk",
        "readout.cells.averager",
        "readout.channels.channel_0",
        "readout.cells.trims",
        "readout.cells.levels",
    ),
}
"""Groups of a tile, by the modules in it."""
_OPEN: Final = ("streams", "tile 0: sequencer", "tile 0: pins")
"""Groups whose signals are seen at once."""
_TAIL_BYTES: Final = 1 << 16
"""The end of a VCD file in which its last time stands."""
_ZOOM_UNIT: Final = 0.21
"""Units of time that GTKWave shows at zoom 0 in a window of usual width, as its inverse; found by trying."""
_MODULES: Final = tuple(module.rpartition(".")[2] for modules in _PARTS.values() for module in modules)

_NAMES: Final[dict[str, type[Enum]]] = {
    "state": TileState,
    "phase": Phase,
    "selection": Selection,
    "record": Record,
    "status": Status,
    "mode": Mode,
    "opcode": Opcode,
}
"""Enumerations by the last part of a signal's name."""


@dataclass(frozen=True)
class Signal:
    """A signal of a VCD file.

    Parameters
    ----------
    scopes : tuple of str
    name : str
    bits : int
    """

    scopes: tuple[str, ...]
    name: str
    bits: int

    @property
    def path(self) -> str:
        """Name with all scopes, as `without_dots` writes it."""
        return ".".join((*self.scopes, _plain(self.name)))

    @property
    def short(self) -> str:
        """Name in its group."""
        name = _plain(re.sub(r"^(pins|tiles__\d+)__", "", self.name))
        return f"{self.scopes[-1]}: {name}" if self.scopes[-1] in _MODULES else name


def signals_of(vcd: Path) -> list[Signal]:
    """Return the signals that the header of a VCD file declares."""
    found, scopes = [], []
    with vcd.open(encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if words[:1] == ["$scope"]:
                scopes.append(words[2])
            elif words[:1] == ["$upscope"]:
                scopes.pop()
            elif words[:1] == ["$var"]:
                found.append(Signal(tuple(scopes), words[4], int(words[2])))
            elif words[:1] == ["$enddefinitions"]:
                break
    return found


def _plain(name: str) -> str:
    """Write a field of a structure without dots: both viewers take them for scopes, and then do not find it."""
    return name.replace(".", "__")


def without_dots(vcd: Path) -> None:
    """Rename the fields of structures in the header of a VCD file."""
    clean = vcd.with_name(f"{vcd.name}.part")
    with vcd.open(encoding="utf-8") as lines, clean.open("w", encoding="utf-8") as file:
        for line in lines:
            if line.startswith("$var"):
                words = line.split(" ")
                words[4] = _plain(words[4])
                line = " ".join(words)
            file.write(line)
            if line.startswith("$enddefinitions"):
                break
        shutil.copyfileobj(lines, file)
    clean.replace(vcd)


def end_of(vcd: Path) -> int:
    """Return the last time of a VCD file, in its units."""
    with vcd.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        times = [line for line in file.read().split(b"\n") if line.startswith(b"#")]
    return int(times[-1][1:]) if times else 0


def groups_of(signals: list[Signal], tiles: int) -> Iterator[tuple[str, list[Signal]]]:
    """Return what is shown: names of groups, and their signals."""
    readable = [signal for signal in signals if "$" not in signal.path and signal.name not in ("clk", "rst")]
    composed = any(signal.scopes[1:2] == ("hub",) for signal in readable)

    def of(scope: str, pattern: str = "") -> list[Signal]:
        path = tuple(f"{TOP}.{scope}".rstrip(".").split("."))
        inside = [signal for signal in readable if signal.scopes == path and re.match(pattern, signal.name)]
        # What reads as words comes first.
        return sorted(inside, key=lambda signal: (_kind(signal) not in _NAMES, signal.name))

    hub = "hub" if composed else ""
    yield "streams", [*of(hub, "commands__"), *of(hub, "responses__"), *of(hub, "(stop|busy|queued)$")]
    for tile in range(tiles):
        scope = f"unit_{tile}.tile" if composed else f"tile_{tile}"
        for group, modules in _PARTS.items():
            inside = [signal for module in modules for signal in of(f"{scope}.{module}")]
            yield f"tile {tile}: {group}", inside
        pins = of(f"unit_{tile}", "pins__") if composed else of("", f"tiles__{tile}__")
        yield f"tile {tile}: pins", pins


def _by_field(signals: list[Signal]) -> list[Signal]:
    """Show a structure by its fields, but not the fields of those: the many readings of a beat's body."""
    structures = {signal.name.split(".")[0] for signal in signals if "." in signal.name}
    return [
        signal
        for signal in signals
        if signal.name not in structures and signal.name.count(".") <= 1 and not signal.name.endswith(".reserved")
    ]


def write_save_files(vcd: Path, tiles: int) -> None:
    """Write ``.gtkw`` and ``.sucl`` files beside a VCD file that a netlist engine has written."""
    groups = list(groups_of(signals_of(vcd), tiles))
    without_dots(vcd)
    names = vcd.with_suffix(".names")
    names.mkdir(exist_ok=True)
    for name, kind in _NAMES.items():
        # GTKWave compares the text of a value, which it writes in hexadecimal digits.
        digits = -(-max(member.value for member in kind).bit_length() // 4)
        lines = [f"{member.value:0{digits}x} {member.name}" for member in kind]
        (names / f"{name}.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
    with vcd.with_suffix(".gtkw").open("w", encoding="utf-8") as file:
        save = GTKWSave(file)
        # Relative, and with the save file's own name: GTKWave then finds the others beside it, wherever it lies.
        save.savefile(vcd.with_suffix(".gtkw").name, abspath=False)
        save.dumpfile(vcd.name, abspath=False)
        save.treeopen(TOP)
        save.zoom_markers(-math.log2(max(end_of(vcd), 1) * _ZOOM_UNIT))
        for title, inside in groups:
            with save.group(title, closed=title not in _OPEN):
                for signal in _by_field(inside):
                    bits = f"[{signal.bits - 1}:0]" if signal.bits > 1 else ""
                    table = names / f"{_kind(signal)}.txt"
                    save.trace(
                        f"{signal.path}{bits}",
                        alias=f"{signal.short}{bits}",
                        translate_filter_file=f"{names.name}/{table.name}" if _kind(signal) in _NAMES else None,
                    )
    commands = []
    for title, inside in groups:
        commands += [f"divider_add {title}", *(f"variable_add {signal.path}" for signal in _by_field(inside))]
    vcd.with_suffix(".sucl").write_text("\n".join([*commands, ""]), encoding="utf-8")


def _kind(signal: Signal) -> str:
    """Return the last part of a signal's name."""
    return re.split(r"__|\.", signal.name)[-1]
