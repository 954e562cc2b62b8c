"""Mirrors the folders of the package."""
