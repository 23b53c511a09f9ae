"""What the resistance of a crossbar's wires does to currents and voltages, solved exactly.

No engine uses this: trainings see wires as a factor for each cell (`array.wire_resistance_ohm`), the solution of an
array whose cells are all alike. It tells how far that is from the truth, what an approximation costs, and what the
other cells of a passive array see of a write.
"""
