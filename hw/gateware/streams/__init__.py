"""Command and response streams between the host and the tiles."""
