"""What watches a training run: progress, pictures, checkpoints, signals."""
