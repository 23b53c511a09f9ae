"""The serial link: what both of its sides share, as pure functions."""
