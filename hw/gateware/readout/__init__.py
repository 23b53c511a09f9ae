"""Read-out of a tile: from the codes of the converters to the results of commands."""
