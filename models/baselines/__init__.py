"""Restoration by an MMSE denoiser that is called many times: samplers of p(x | y), plug-and-play, RED."""
