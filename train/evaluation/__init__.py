"""Methods of restoration, evaluated on the same measurements."""
