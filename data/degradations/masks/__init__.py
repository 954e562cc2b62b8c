"""Masks of inpainting, one file each: which pixels are known."""
