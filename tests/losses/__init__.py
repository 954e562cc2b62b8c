"""Every objective against its closed form, an independent computation, and its own gradient."""
