"""The crossbar: its configuration resolved to integers, its levels, registers, cells, and what its pins do."""
