"""From image files to (measurement, clean) pairs."""
