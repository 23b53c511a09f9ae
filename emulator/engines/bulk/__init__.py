"""The bulk kernels: writes, reads and multiplications of whole layers, with the cycles of their programs."""
