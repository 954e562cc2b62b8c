"""The game, its clocks, its files."""
