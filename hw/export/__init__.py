"""The core as a folder for others: Verilog, wrappers, register descriptions, constraints, and a bench that runs."""
