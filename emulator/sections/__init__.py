"""Sections of the configuration that describe cells, array, timing and writes; the emulator takes them as they are."""
