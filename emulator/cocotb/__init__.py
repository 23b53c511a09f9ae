"""What a cocotb bench takes from the emulator: array and parts behind the pins, scoreboard, programs that cover all."""
