"""Two tests at a time, a thread each: torch's threads would wait for one another."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
