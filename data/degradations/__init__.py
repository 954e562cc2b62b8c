"""Forward operators, one a file: clean image and randomness in, measurement out."""
