"""What the resistance of a crossbar's wires does to currents and voltages, solved exactly.

No engine uses this: trainings see wires as the first-order factor of `array.wire_resistance_ohm`. It tells how far that
is from the truth, what an approximation costs, and what the other cells of a passive array see of a write.
"""
