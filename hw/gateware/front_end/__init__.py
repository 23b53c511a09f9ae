"""Analog front ends, and the handshake between them and a tile."""
