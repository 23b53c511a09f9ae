"""The device preset `power-step-oxide`: a TOML file of this package."""

from importlib.resources import files

PRESET = files(__package__) / "power-step-oxide.toml"
