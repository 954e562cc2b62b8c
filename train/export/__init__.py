"""A trained sampler as one file, a graph, or a page on a hub."""
