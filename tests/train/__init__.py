"""The training step, its progress, its files."""
