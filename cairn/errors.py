"""The one kind of error that is the user's to mend."""

__all__ = ["InputError"]


class InputError(ValueError):
    """A file, picture, model or option that cannot be used.

    The message is one sentence: what was given and where, what was expected, what to do. The command line prints it
    and exits with code 2.
    """
