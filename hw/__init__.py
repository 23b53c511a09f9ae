"""The controller: its timing and action names, shared by gateware and emulator."""
