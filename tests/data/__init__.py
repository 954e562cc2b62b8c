"""Of ``pscgan.data``."""
