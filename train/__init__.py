"""The game between generator and critic, and what surrounds it."""
