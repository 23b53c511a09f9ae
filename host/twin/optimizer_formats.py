"""In which format each state of an optimizer is stored in few bits; without importing PyTorch."""

from typing import Any, Final, Literal

from twinbar.hw.errors import ConfigError

Format = Literal["fixed point", "floating point", "positive floating point"]

_MOMENTS: Final[dict[str, Format]] = {
    "exp_avg": "floating point",
    "exp_avg_sq": "positive floating point",
    "max_exp_avg_sq": "positive floating point",
}
FORMATS: Final[dict[str, dict[str, Format]]] = {
    "SGD": {"momentum_buffer": "fixed point"},
    "Adam": _MOMENTS,
    "AdamW": _MOMENTS,
    "NAdam": _MOMENTS,
    "RAdam": _MOMENTS,
    "RMSprop": {
        "square_avg": "positive floating point",
        "momentum_buffer": "floating point",
        "grad_avg": "floating point",
    },
    "Adagrad": {"sum": "positive floating point"},
}
"""Formats by optimizer of ``torch.optim`` and by key of its state.

A momentum is added to weights as it is, so that all of its values are rounded to the same unit. What is divided by
second moments, or divides, needs the same relative precision for all sizes: floating point with 5 bits of exponent
(8 bits: E5M2 with a sign, Micikevicius et al., arXiv:2209.05433; E5M3 without).
"""


def refuse_optimizer(name: str) -> None:
    """Refuse an optimizer of `torch.optim`, by its name in any capitals, whose state has no format.

    Raises
    ------
    ConfigError
    """
    if name.lower() not in {known.lower() for known in FORMATS}:
        raise ConfigError(
            f"twin.kind is residual, but there is no format of few bits for the state of {name}; use "
            f"{', '.join(FORMATS)}, or twin.kind float32"
        )


def formats_of(optimizer: Any) -> dict[str, Format]:
    """Return the formats of an optimizer's states by key.

    Raises
    ------
    ConfigError
        If it is no optimizer of `torch.optim` with formats, nor derived from one.
    """
    for kind in type(optimizer).__mro__:
        if kind.__name__ in FORMATS and kind.__module__.startswith("torch.optim"):
            return FORMATS[kind.__name__]
    refuse_optimizer(type(optimizer).__name__)
    raise ConfigError(
        f"twin.kind is residual, but the optimizer {type(optimizer).__name__} is not one of torch.optim, and its state "
        f"has no format of few bits; use {', '.join(FORMATS)}, or twin.kind float32"
    )
