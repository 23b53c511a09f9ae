"""Modules that are plugged onto a connector: which bus and part they hold, and on which of their pins."""
