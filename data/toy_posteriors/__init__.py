"""Worlds whose posterior is known: what a sampler learns there can be compared with the truth."""
