"""Wiring files that come with Twinbar."""
