"""Generators, critics and their layers."""
