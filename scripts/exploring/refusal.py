"""What a page is told when it does not get what it asked for."""


class Refusal(ValueError):
    """A reason in words.

    Args:
        reason: on one line.
        status: of the answer in HTTP.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status
