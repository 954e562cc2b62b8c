"""Metrics of restorations, as sums over images: the same for any batches and any number of ranks."""
