"""Control of a tile: which command runs, in which state, for how long, and what stops it."""
