"""Converters and switches with a serial bus, one part per file: frames, timing limits, and a model that checks its bus.

Everything here is plain Python without Amaranth: gateware takes words and cycles from it when it is elaborated, and
simulators of any kind attach the models to its pins.
"""
