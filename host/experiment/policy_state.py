"""The state of an update policy in a checkpoint: restored as it was saved, or refused."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from twinbar.host.experiment.state_tree import flatten_state
from twinbar.host.update.policy import UpdatePolicy
from twinbar.hw.errors import ConfigError, TwinbarError

_SAME = "resume with the policy, in the version, that the run was started with"


def policy_state(policy: UpdatePolicy[Any]) -> dict[str, Any]:
    """Return what a checkpoint holds of a policy."""
    return {"policy": policy.state_dict(), "policy_class": type(policy).__qualname__}


def restore_policy(policy: UpdatePolicy[Any], checkpoint: Mapping[str, Any]) -> None:
    """Bring a policy to the state that a checkpoint holds.

    Raises
    ------
    ConfigError
        If another policy wrote it, the policy refuses it, or does not have it afterwards.
    """
    name = type(policy).__qualname__
    state = checkpoint["policy"]
    try:
        policy.load_state_dict(state)
    except TwinbarError:
        raise
    except Exception as error:
        raise ConfigError(
            f"the update policy {name} cannot take the state that the checkpoint holds of it ({type(error).__name__}: "
            f"{error}); {_SAME}"
        ) from error
    writer = checkpoint.get("policy_class", name)
    if writer != name:
        raise ConfigError(f"the checkpoint was written by the update policy {writer}, not by {name}; {_SAME}")
    if not _equal(policy.state_dict(), state):
        raise ConfigError(
            f"the update policy {name} does not restore the state that the checkpoint holds of it; after "
            "load_state_dict, its state_dict must be what was loaded"
        )


def _equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    (tree, arrays), (other_tree, other_arrays) = flatten_state(dict(one)), flatten_state(dict(other))
    return tree == other_tree and all(
        mine.dtype == theirs.dtype and np.array_equal(mine, theirs, equal_nan=mine.dtype.kind in "fc")
        for mine, theirs in zip(arrays, other_arrays, strict=True)
    )
