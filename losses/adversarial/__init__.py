"""Objectives of the game between generator and critic."""
