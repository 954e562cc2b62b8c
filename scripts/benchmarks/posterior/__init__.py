"""Objectives on problems whose posterior is known."""
