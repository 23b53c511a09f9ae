"""Measurements behind every speed that Twinbar claims."""
