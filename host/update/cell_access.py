"""What an update policy sees of a layer after an optimizer step, and what it may do with the cells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from twinbar.emulator.crossbar.write_registers import WriteRegisters
from twinbar.host.update.decision import Decision, PulseTrains

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer


@dataclass(frozen=True)
class OuterProducts:
    """Inputs of a layer and gradients of its outputs, whose outer products add up to the gradient of its weights.

    Parameters
    ----------
    inputs : float32 [n, inputs]
        As the converters saw them.
    errors : float32 [n, outputs]
        Gradient of the loss with respect to the outputs.
    examples : int
        Examples that they belong to, n / examples neighbours each: places of a convolution.
    """

    inputs: np.ndarray
    errors: np.ndarray
    examples: int


@dataclass
class LayerUpdate:
    """A layer after an optimizer step.

    Parameters
    ----------
    weights : float32 [outputs, inputs]
        The twin's weights, which the policy may change in place.
    cells : ProgrammedLayer
    auxiliary : sequence of ProgrammedLayer
        Further arrays of the layer's shape, as many as the policy has `UpdatePolicy.auxiliary_arrays`.
    factors : sequence of OuterProducts
        Of the backward passes since the last decision, where the policy has `UpdatePolicy.needs_factors`.
    rate : float
        Learning rate of the step.
    """

    weights: np.ndarray
    cells: "ProgrammedLayer"
    auxiliary: "Sequence[ProgrammedLayer]" = ()
    factors: Sequence[OuterProducts] = field(default=())
    rate: float = 0.0

    @property
    def name(self) -> str:
        """Name of the layer."""
        return self.cells.map.name


class CellAccess(Protocol):
    """The cells of a network. All that is done is accounted, and the same on every engine.

    Layers, and auxiliary arrays, are named by ``cells.map.name``. Those that are given together are one program.
    """

    def write(self, decisions: Mapping[str, Decision]) -> None:
        """Write cells by closed-loop write-verify, and note in ``cells`` what they answered.

        Parameters
        ----------
        decisions : mapping of str to Decision
            By the name of the layer or array.
        """

    def pulse(self, trains: Mapping[str, PulseTrains], ramps: WriteRegisters | None = None) -> None:
        """Give pulses without reading.

        Parameters
        ----------
        trains : mapping of str to PulseTrains
        ramps : WriteRegisters, optional
            Whose ramps the pulses follow; those of closed-loop writes by default.
        """

    def read(self, names: Sequence[str]) -> dict[str, np.ndarray]:
        """Read all cells of some layers one by one.

        Parameters
        ----------
        names : sequence of str

        Returns
        -------
        dict of str to float32 [2, outputs, inputs]
            Levels of G+ and G-, not rounded.
        """

    def read_inputs(self, name: str, inputs: np.ndarray) -> np.ndarray:
        """Read the weights of some inputs by a multiplication each.

        Parameters
        ----------
        name : str
        inputs : int64 [n]
            Inputs, of which one at a time is driven.

        Returns
        -------
        float32 [n, outputs]
            G+ less G- in levels, not rounded.
        """
