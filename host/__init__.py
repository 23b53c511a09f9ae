"""Everything that runs on the user's computer: training, policies, data, reports, the command line."""

import os

# PyTorch and Numba each have a pool of OpenMP threads. Threads that spin while they wait for work take the cores from
# the
# other pool (at batch size 1 a step took 17 times as long on 2 cores), so they yield, unless the user says otherwise.
# OpenMP reads this when PyTorch or Numba first start threads, hence here, before either is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
