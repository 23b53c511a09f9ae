"""The bench of an exported core, copied into its folder: it needs cocotb and the files beside it, and not Twinbar."""
