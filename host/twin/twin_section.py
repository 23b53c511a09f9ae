"""The section ``[twin]``: how the twin and the state of the optimizer are stored between steps."""

from typing import ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from twinbar.emulator.sections.section import Section

COARSEST_STEP: Final = 0.25
"""Largest step of a residual, in level spacings."""

Gradient = Literal["stored", "fused"]


class TwinConfig(Section):
    """The twin's memory: how weights and optimizer state are stored between steps, and how accesses are counted."""

    section_name: ClassVar[str] = "twin"

    kind: Literal["float32", "residual"] = Field(
        default="float32",
        description="what is stored of a weight and of the optimizer's state: float32 (the numbers themselves), or "
        "residual (the distance of the weight from the level that the cells hold, and the state, in a few bits)",
    )
    bits: int = Field(default=8, ge=4, le=16, description="bits of a residual")
    range_levels: int = Field(
        default=2, ge=1, le=8, description="level spacings that a residual spans to either side: 1, 2, 4 or 8"
    )
    momentum_bits: int = Field(
        default=8, ge=8, le=16, description="bits of each number of the optimizer's state (momentum, moments)"
    )
    rounding: Literal["stochastic", "nearest"] = Field(
        default="stochastic", description="how a number is rounded when it is stored: stochastic or nearest"
    )
    word_bits: int = Field(
        default=32,
        ge=8,
        le=64,
        description="width of the words that are read and written at once: 8 (a memory with byte enables), 16, 32 or "
        "64; float32 has words of 32 bits",
    )
    skip_unchanged: bool = Field(
        default=True,
        description="whether words of a residual twin that a step does not change are neither read for it nor written",
    )
    gradient: Gradient | None = Field(
        default=None,
        description="stored (the backward pass writes gradients, the step reads them) or fused (the step uses each "
        "gradient as it is computed; those that are accumulated are stored all the same); none is stored for "
        "float32, fused for residual",
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for key, choices in (("range_levels", (1, 2, 4, 8)), ("word_bits", (8, 16, 32, 64))):
            value = getattr(self, key)
            if value not in choices:
                raise ValueError(
                    f"twin.{key} is {value}; it must be {', '.join(map(str, choices[:-1]))} or {choices[-1]}"
                )
        if self.step_levels > COARSEST_STEP:
            raise ValueError(
                f"twin.bits is {self.bits} and twin.range_levels {self.range_levels}, so that a residual would have "
                f"steps of {self.step_levels:g} levels; more bits or a smaller range must bring them to "
                f"{COARSEST_STEP:g} or less"
            )
        return self

    @property
    def steps_per_level(self) -> int:
        """Steps of a residual in a level spacing."""
        return (1 << self.bits) // (2 * self.range_levels)

    @property
    def step_levels(self) -> float:
        """Step of a residual, in level spacings."""
        return 2 * self.range_levels / (1 << self.bits)

    @property
    def stores_gradients(self) -> bool:
        """Whether gradients go through the memory where nothing accumulates them."""
        return (self.gradient or ("stored" if self.kind == "float32" else "fused")) == "stored"
