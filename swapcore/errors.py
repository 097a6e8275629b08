"""The one error that a user is meant to read."""


class SwapError(Exception):
    """Something the user can mend. Its text is one line: what was expected, what came, what to do.

    >>> raise SwapError("clip stunt: expected a video file, found none at film/stunt.mp4; correct its path in clips.tsv")
    """

    def __init__(self, message: str):
        super().__init__(" ".join(str(message).split()))
