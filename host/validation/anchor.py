"""A published figure that Twinbar's own is held against, and the table of them."""

import tomllib
from importlib import resources
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

TABLE: Final = "anchors.toml"


class Anchor(BaseModel):
    """A published figure.

    Parameters
    ----------
    name : str
    source : str
        Key of `AnchorTable.sources`.
    published : str
        What exactly is published.
    value : float
        The figure, or the bound of it.
    unit : str
    tolerance : float, optional
        Largest relative deviation that counts as agreement.
    bound : {"above"}, optional
        The published figure is a bound; there is no tolerance then.
    certainty : str
        How the figure is known.
    circular : bool
        A preset or table was made from it, so that it does not count.
    trains : bool
        Whether a network is trained for it, on MNIST.
    cause : str
        Why Twinbar misses it, where that is known.
    measure : str
        Function of `twinbar.host.validation.measures`; all other keys are its arguments.
    """

    model_config = ConfigDict(extra="allow")

    name: str
    source: str
    published: str
    value: float
    unit: str
    tolerance: float | None = None
    bound: Literal["above"] | None = None
    certainty: str
    circular: bool = False
    trains: bool = False
    cause: str = ""
    measure: str

    @model_validator(mode="after")
    def _has_one_yardstick(self) -> Self:
        if (self.tolerance is None) == (self.bound is None):
            raise ValueError(f"{self.name}: give a tolerance, or a bound")
        return self

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of the measure."""
        return dict(self.model_extra or {})

    def agrees(self, measured: float) -> bool:
        """Tell whether a figure lies within the tolerance, or beyond the bound."""
        if self.tolerance is None:
            return measured > self.value
        return abs(measured / self.value - 1) <= self.tolerance


class AnchorTable(BaseModel):
    """All anchors, and the sources that they name."""

    model_config = ConfigDict(extra="forbid")

    sources: dict[str, str]
    anchor: list[Anchor]

    @model_validator(mode="after")
    def _names_its_sources(self) -> Self:
        for one in self.anchor:
            if one.source not in self.sources:
                raise ValueError(f"{one.name}: there is no source {one.source}")
        return self


def load_anchors() -> AnchorTable:
    """Return the anchors that the package has."""
    text = resources.files(__package__).joinpath(TABLE).read_text(encoding="utf-8")
    return AnchorTable.model_validate(tomllib.loads(text))
