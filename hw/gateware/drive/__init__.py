"""Write drive of a tile: the bias records, their check, and the codes that they put on the lines."""
