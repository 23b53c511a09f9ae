"""An array of emulated cells behind the tile's handshakes: integer physics computed by a small microcoded machine."""
