"""The virtual board: the array behind it, and the loop that keeps it going."""
