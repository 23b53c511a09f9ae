"""The virtual board: the whole core of a board, compiled, with models of what is on its pins."""
