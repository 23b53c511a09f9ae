"""What a network looks like on its crossbar, as text."""

from collections.abc import Sequence

from torch import nn

from twinbar.host.network.conversion import Conversion
from twinbar.host.nn.crossbar_network import CrossbarNetwork
from twinbar.host.nn.mapped_layer import MappedLayer


def summary(conversion: Conversion, crossbar: CrossbarNetwork) -> str:
    """Return a table of the layers on the crossbar, and a list of what stays digital and why."""
    array = conversion.crossbar.array
    engine = crossbar.session.engine
    rows = [("layer", "weights", "matrix", "tiles", "levels", "")]
    for layer in crossbar.layers:
        notes = []
        if not layer.weight.requires_grad:
            notes.append("frozen")
        if len(layer.names) > 1:
            notes.append(f"shared with {', '.join(layer.names[1:])}")
        if layer.name in crossbar.not_called:
            notes.append("not called in the last forward pass")
        rows.append(
            (
                layer.name,
                f"{layer.weight.numel():,}",
                matrix(layer),
                str(layer.matmul.map.tiles),
                str(layer.cells.levels),
                "; ".join(notes),
            )
        )
    lines = [
        f"{crossbar.weights:,} weights on {_count(engine.tiles, 'tile')} of {array.rows} x {array.columns} cells "
        f"({conversion.config.device.preset}), policy {conversion.config.policy.name}",
        "",
        *_columns(rows),
    ]
    if array.chained_layers:
        chained = [("layers on the chip", "")]
        chained += [(", ".join(chain.names), "as one program") for chain in crossbar.chains]
        lines += ["", *_columns([*chained, *crossbar.unchained.items()])]
    digital = crossbar.digital
    if digital:
        listed = [("digital", "class", "parameters", "why")]
        listed += [(part.name, part.kind, f"{part.parameters:,}", part.reason) for part in digital]
        lines += ["", *_columns(listed)]
    return "\n".join(lines)


def representation(module: nn.Module, layers: Sequence[MappedLayer]) -> str:
    """Return what ``repr`` shows: the module, and the place of each layer."""
    lines = [
        f"  {layer.name}: {matrix(layer)} weights, {_count(layer.matmul.map.tiles, 'tile')}, "
        f"{layer.cells.levels} levels"
        for layer in layers
    ]
    inner = "\n".join(f"  {line}" for line in repr(module).splitlines())
    return "Network(\n" + inner + "\n  on a crossbar:\n" + "\n".join(f"  {line}" for line in lines) + "\n)"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def matrix(layer: MappedLayer) -> str:
    """Say the size of a layer's matrix, outputs by inputs."""
    form = layer.form
    if form.groups == 1:
        return f"{form.outputs} x {form.inputs}"
    return f"{form.groups} x ({form.outputs // form.groups} x {form.inputs})"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
