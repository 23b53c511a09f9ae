"""How kernels are compiled, kept between processes, and run on several threads."""
