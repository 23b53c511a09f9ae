"""Published figures beside those of the emulator."""
