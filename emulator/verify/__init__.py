"""Random programs on several engines: the same answers, in the same cycles, or the smallest program that differs."""
