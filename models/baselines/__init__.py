"""Samplers of p(x | y), y = x + σn, that call an MMSE denoiser many times."""
