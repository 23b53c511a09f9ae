"""The compiled controller: any program, cycle by cycle, in kernels that go from one event to the next."""
