"""The one error a user is meant to read."""


class UserError(Exception):
    """Something the user can put right: one clear line saying what, where and what to do."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error, its kind where it has none."""
    lines = (line.strip() for line in str(error).splitlines())
    return next((line for line in lines if line), type(error).__name__)
