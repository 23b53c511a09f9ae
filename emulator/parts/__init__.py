"""Compiled models of the parts of serial front ends, at their pins: for the engine rtl and the virtual board."""
