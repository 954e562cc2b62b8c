"""Distances between pairs of images, as people see them."""
