"""What a network looks like on its crossbar, as text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinbar.host.network.network import Network
    from twinbar.host.nn.mapped_layer import MappedLayer


def summary(network: "Network") -> str:
    """Return a table of the layers on the crossbar, and a list of what stays digital and why."""
    array = network.conversion.crossbar.array
    engine = network.crossbar.session.engine
    rows = [("layer", "weights", "matrix", "tiles", "levels", "")]
    for layer in network.layers:
        notes = []
        if not layer.weight.requires_grad:
            notes.append("frozen")
        if len(layer.names) > 1:
            notes.append(f"shared with {', '.join(layer.names[1:])}")
        if layer.name in network.crossbar.not_called:
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
        f"{network.weights:,} weights on {engine.tiles} tiles of {array.rows} x {array.columns} cells "
        f"({network.conversion.config.device.preset}), policy {network.conversion.config.policy.name}",
        "",
        *_columns(rows),
    ]
    digital = network.crossbar.digital
    if digital:
        listed = [("digital", "class", "parameters", "why")]
        listed += [(part.name, part.kind, f"{part.parameters:,}", part.reason) for part in digital]
        lines += ["", *_columns(listed)]
    return "\n".join(lines)


def representation(network: "Network") -> str:
    """Return what ``repr`` shows: the module, and the place of each layer."""
    lines = [
        f"  {layer.name}: {matrix(layer)} weights, {layer.matmul.map.tiles} tiles, {layer.cells.levels} levels"
        for layer in network.layers
    ]
    inner = "\n".join(f"  {line}" for line in repr(network.module).splitlines())
    return "Network(\n" + inner + "\n  on a crossbar:\n" + "\n".join(f"  {line}" for line in lines) + "\n)"


def matrix(layer: "MappedLayer") -> str:
    """Say the size of a layer's matrix, outputs by inputs."""
    form = layer.form
    if form.groups == 1:
        return f"{form.outputs} x {form.inputs}"
    return f"{form.groups} x ({form.outputs // form.groups} x {form.inputs})"


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
