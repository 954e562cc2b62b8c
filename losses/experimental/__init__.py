"""Penalties that have not shown an advantage; each says what it showed."""
