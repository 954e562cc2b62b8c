"""From tensors to named scalars: a paper on one screen each."""
