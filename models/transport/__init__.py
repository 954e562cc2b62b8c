"""Optimal transport of patches at test time: Deep Optimal Transport (DOT, arXiv 2306.02342)."""
