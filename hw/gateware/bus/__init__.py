"""The controller on a memory-mapped bus: AXI-Lite with AXI-Stream, and Wishbone."""
