"""Training: the GAN step, and what surrounds it."""
