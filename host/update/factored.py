"""What policies share that work with the inputs and errors of a layer instead of its gradient."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from pydantic import model_validator

from twinbar.host.update.policy import PolicySettings
from twinbar.hw.errors import ConfigError

if TYPE_CHECKING:
    from twinbar.host.update.programmed import ProgrammedLayer


class FactoredSettings(PolicySettings):
    """Settings of such policies: they decide after every step, as inputs and errors are kept no longer."""

    @model_validator(mode="after")
    def _decides_every_step(self) -> Self:
        for key in ("write_every", "write_every_end"):
            every = getattr(self, key, None)
            if every not in (None, 1):
                raise ValueError(
                    f"policy.{key} is {every}, but this policy takes the inputs and errors of every step; leave it 1"
                )
        return self


def check_plain(policy: str, layers: "Sequence[ProgrammedLayer]") -> None:
    """Refuse layers whose gradient is no plain sum of outer products.

    Raises
    ------
    ConfigError
        If a layer has groups.
    """
    for cells in layers:
        if cells.map.groups > 1:
            raise ConfigError(
                f"policy {policy} takes the gradient of a layer as outer products of its inputs and errors, but layer "
                f"{cells.map.name} has {cells.map.groups} groups; leave it digital (model.exclude), or take another "
                "policy"
            )
