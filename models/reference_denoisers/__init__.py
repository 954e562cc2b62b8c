"""Published denoisers of known figures: what a harness is checked with before it is believed."""
