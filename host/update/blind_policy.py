"""The base of policies that pulse the cells of the weights themselves, without reading them."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from twinbar.host.update.believing_policy import BelievingPolicy, BlindSettings
from twinbar.host.update.decision import PulseTrains

if TYPE_CHECKING:
    from twinbar.host.update.cell_access import CellAccess, LayerUpdate

__all__ = ["BlindPolicy", "BlindSettings"]

Settings = TypeVar("Settings", bound=BlindSettings)


class BlindPolicy(BelievingPolicy[Settings]):
    """Pulses each layer as `trains` decides."""

    def pulse_cells(self, layers: "Sequence[LayerUpdate]", access: "CellAccess", progress: float) -> None:
        """Give what `trains` says, all layers together (see `BelievingPolicy.pulse_cells`).

        Parameters
        ----------
        layers : sequence of LayerUpdate
        access : CellAccess
        progress : float
            Part of the training that has passed, 0 to 1.
        """
        self.give(access, {layer.name: self.trains(layer, progress) for layer in layers})

    @abstractmethod
    def trains(self, layer: "LayerUpdate", progress: float) -> PulseTrains:
        """Decide the pulses of a layer.

        Parameters
        ----------
        layer : LayerUpdate
        progress : float
            Part of the training that has passed, 0 to 1.
        """
