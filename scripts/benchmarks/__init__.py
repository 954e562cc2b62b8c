"""Measurements, run as ``python -m pscgan.scripts.benchmarks.NAME``."""
