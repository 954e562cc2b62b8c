"""Networks as published."""
