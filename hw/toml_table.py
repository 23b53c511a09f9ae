"""What all tables of the TOML files have in common, whatever they describe."""

from pydantic import BaseModel, ConfigDict


class TomlTable(BaseModel):
    """A table of a TOML file: it has no key that is not known, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)
