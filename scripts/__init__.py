"""Command-line programs, thin."""
