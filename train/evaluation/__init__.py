"""Restorers, judged side by side on the same measurements."""
