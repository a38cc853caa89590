"""The one error a user is meant to read."""


class UserError(Exception):
    """Something the user can put right: one clear line saying what, where and what to do."""
