"""What an update policy is: a small object that decides which cells are written, and to which level."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np

from twinbar.emulator.crossbar.levels import Targets
from twinbar.emulator.sections.section import Section
from twinbar.host.update.decision import Decision, room_for
from twinbar.host.update.every_cell import every_cell
from twinbar.host.update.memory_traffic import MemoryTraffic
from twinbar.hw.errors import ConfigError

if TYPE_CHECKING:
    from twinbar.emulator.crossbar.configuration import CrossbarConfig
    from twinbar.host.update.cell_access import CellAccess, LayerUpdate
    from twinbar.host.update.programmed import ProgrammedLayer

__all__ = ["Decision", "PolicySettings", "UpdatePolicy", "room_for"]


class PolicySettings(Section):
    """What can be set of a policy: keys of the section ``[policy]``, each with a default and a description."""

    @classmethod
    def defaults_for(cls, levels: int) -> dict[str, Any]:
        """Return defaults that follow the number of levels per cell, by key; a field's own default is that of 16."""
        return {}


Settings = TypeVar("Settings", bound=PolicySettings)


class UpdatePolicy(ABC, Generic[Settings]):
    """Decides, after an optimizer step, what is written.

    A policy that remembers anything from one decision to the next overrides `state_dict` and `load_state_dict`, so that
    a resumed run ends as an uninterrupted one.

    Parameters
    ----------
    settings : PolicySettings, optional
        A `settings_model`; its defaults where it is left out.
    """

    settings_model: ClassVar[type[PolicySettings]] = PolicySettings
    """What can be set. The module of a policy is imported to know it, and so imports nothing that takes seconds."""
    on_crossbar: ClassVar[bool] = True
    """Whether the network lies on a crossbar at all."""
    targets: ClassVar[Targets] = Targets()
    any_spacing: ClassVar[bool] = False
    """Whether it works with levels that are not evenly spaced (``device.level_spacing``)."""
    writes_all: ClassVar[bool] = False
    """Whether every cell is written whatever it holds, so that nothing is decided by the levels that are held."""
    changes_what_it_lists: ClassVar[bool] = False
    """Whether levels change only of cells that a decision lists."""
    keeps_read_back: bool = False
    """Whether the layers keep the read-back levels for this policy."""
    gives_pulses: ClassVar[bool] = False
    """Whether it gives pulses without reading; reports count them then (``pulse_trains``)."""
    auxiliary_arrays: ClassVar[int] = 0
    """Arrays of cells that each layer has beside its own, on tiles of their own."""
    needs_factors: ClassVar[bool] = False
    """Whether it wants the inputs and errors of each layer (`twinbar.host.update.cell_access.OuterProducts`)."""
    uses_gradient: ClassVar[bool] = True
    """Whether it uses what the optimizer makes of the gradient; else no memory of gradient, state or step counts."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings: Settings = self.settings_model() if settings is None else settings  # type: ignore[assignment]
        self._traffic = MemoryTraffic()

    @property
    def twin_distance(self) -> float | None:
        """Levels that the twin may be away from what the cells hold, once this policy has decided.

        A twin that is stored as a residual must span it. None where the policy does not say, and so needs the float
        weight: it trains with a twin of float32 only.
        """
        return None

    def attach_to(self, crossbar: "CrossbarConfig") -> None:
        """Refuse a crossbar that no policy of this kind can work with; then let this one look at it (`set_up`).

        Parameters
        ----------
        crossbar : CrossbarConfig

        Raises
        ------
        ConfigError
            If the policy cannot work with it.
        """
        if not (self.any_spacing or crossbar.levels.even):
            raise ConfigError(
                "this policy counts in evenly spaced levels, and device.level_spacing is not uniform; leave it out, or "
                "take the policy siamese, selective-verify, closed-loop or closed-loop-erase"
            )
        if self.gives_pulses and crossbar.pulse_table is not None:
            raise ConfigError(
                "this policy gives pulses without reading, by the ramps of the bias records; with a pulse table, the "
                "writes between them would not be exact: leave write.algorithm, write.first, write.patience and "
                "write.verify as they are"
            )
        self.set_up(crossbar)

    def set_up(self, crossbar: "CrossbarConfig") -> None:
        """Look at the crossbar that the policy will update, before anything is programmed.

        Parameters
        ----------
        crossbar : CrossbarConfig

        Raises
        ------
        ConfigError
            If the policy cannot work with it, or its settings contradict each other there.
        """

    def prepare(self, layers: "Sequence[ProgrammedLayer]") -> None:
        """Look at the layers before anything is decided for them, or a state is loaded.

        Parameters
        ----------
        layers : sequence of ProgrammedLayer
            In the order in which they are decided for; their names are ``layer.map.name``.
        """

    @abstractmethod
    def decide(self, weights: np.ndarray, cells: "ProgrammedLayer", progress: float) -> Decision:
        """Decide for one layer, and bring ``cells`` to the levels asked for.

        Parameters
        ----------
        weights : float32 [outputs, inputs]
            The twin's weights, which the policy may bound in place.
        cells : ProgrammedLayer
        progress : float
            Part of the training that has passed, 0 to 1.
        """

    def initialize(self, layers: "Sequence[LayerUpdate]", access: "CellAccess") -> None:
        """Program all cells for the first time, or anew where they may hold anything.

        Every cell is written to the level nearest to the twin, unless a policy wants them otherwise.

        Parameters
        ----------
        layers : sequence of LayerUpdate
        access : CellAccess
        """
        access.write({layer.name: every_cell(layer.weights, layer.cells) for layer in layers})

    def carry_out(self, layers: "Sequence[LayerUpdate]", access: "CellAccess", progress: float) -> None:
        """Update the cells of layers after an optimizer step.

        What `decide` says is written, all layers in one program. A policy that does more overrides this.

        Parameters
        ----------
        layers : sequence of LayerUpdate
            Those that the optimizer stepped.
        access : CellAccess
        progress : float
            Part of the training that has passed, 0 to 1.

        Raises
        ------
        ConfigError
            If `decide` gives something else than a decision.
        """
        decisions = {layer.name: self.decide(layer.weights, layer.cells, progress) for layer in layers}
        for name, decision in decisions.items():
            if not isinstance(decision, Decision):
                raise ConfigError(
                    f"the policy {type(self).__name__} decided {decision!r:.60} for layer {name}; decide returns a "
                    "Decision, such as Decision.nothing()"
                )
        access.write(decisions)

    def note_traffic(self, read: int = 0, written: int = 0, random: int = 0) -> None:
        """Count bits that a memory of the policy's own had to move, or that were drawn.

        Parameters
        ----------
        read, written, random : int
            Bits that were read, written, and drawn.
        """
        self._traffic += MemoryTraffic(read, written, random)

    def take_traffic(self) -> MemoryTraffic:
        """Return what was read from and written to memories of the policy's own since this was last asked."""
        taken, self._traffic = self._traffic, MemoryTraffic()
        return taken

    def state_dict(self) -> dict[str, Any]:
        """Return what the policy remembers (arrays, numbers, texts, and lists and dicts of them), for a checkpoint."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned.

        Parameters
        ----------
        state : mapping

        Raises
        ------
        ConfigError
            If the state is not one of this policy.
        """
        self.check_state(state)

    def check_state(self, state: Mapping[str, Any]) -> None:
        """Refuse a state whose keys, or whose arrays' shapes and types, are not those of `state_dict`.

        Parameters
        ----------
        state : mapping

        Raises
        ------
        ConfigError
            One sentence on the first difference.
        """
        name = type(self).__name__
        mine = self.state_dict()
        if state and not mine:
            raise ConfigError(
                f"the checkpoint holds a state of its update policy ({', '.join(state)}), but {name} "
                "keeps none; resume with the policy that the run was started with"
            )
        difference = _difference(mine, state, "")
        if difference is not None:
            raise ConfigError(
                f"the checkpoint holds no state of the update policy {name}: {difference}; resume with the policy, in "
                "the version, that the run was started with"
            )


def _difference(mine: Any, theirs: Any, path: str) -> str | None:
    """Say where two states differ in more than their values; None if they do not."""
    if isinstance(mine, Mapping):
        if not isinstance(theirs, Mapping):
            return f"{path or 'it'} is not a mapping"
        missing = [key for key in mine if key not in theirs]
        unknown = [key for key in theirs if key not in mine]
        if missing or unknown:
            return f"{path}{missing[0]} is missing" if missing else f"{path}{unknown[0]} is unknown to the policy"
        found = (_difference(value, theirs[key], f"{path}{key}.") for key, value in mine.items())
        return next((text for text in found if text is not None), None)
    if isinstance(mine, np.ndarray):
        where = path.removesuffix(".")
        if not isinstance(theirs, np.ndarray):
            return f"{where} is not an array"
        if (mine.shape, mine.dtype) != (theirs.shape, theirs.dtype):
            shapes = [f"{list(array.shape)} of {array.dtype}" for array in (theirs, mine)]
            return f"{where} is {shapes[0]}, and must be {shapes[1]}"
    return None
