"""The update policies by name: those of ``policies/``, one per file, and those of plug-ins."""

import inspect
from typing import Any, Final

from twinbar.host.update.policy import PolicySettings, UpdatePolicy
from twinbar.hw.built_in import one_per_module
from twinbar.hw.registry import Registry, Unfit

DEFAULT: Final = "siamese"


def _accept(found: object) -> type[UpdatePolicy[Any]]:
    if not isinstance(found, type) or not issubclass(found, UpdatePolicy):
        raise Unfit(f"is {found!r}; it must be a class derived from twinbar.host.update.policy.UpdatePolicy")
    if inspect.isabstract(found):
        raise Unfit(f"lacks the method {', '.join(sorted(found.__abstractmethods__))}, which every update policy has")
    model = found.settings_model
    if not isinstance(model, type) or not issubclass(model, PolicySettings):
        raise Unfit(
            f"has the settings_model {model!r}; it must be a class derived from "
            "twinbar.host.update.policy.PolicySettings"
        )
    return found


POLICIES: Final = Registry(
    "update policy",
    "twinbar.policies",
    one_per_module("twinbar.host.update.policies", "POLICY", first=DEFAULT),
    _accept,
)
