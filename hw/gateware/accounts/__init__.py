"""Accounts of a tile: the cycles of every phase, and the actions."""
