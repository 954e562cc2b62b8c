"""Pictures that a model cannot restore."""


class UnsuitablePicture(ValueError):
    """A file of which this model cannot draw samples."""
