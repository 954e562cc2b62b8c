"""Opening a trained sampler and drawing from it."""
