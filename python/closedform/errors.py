"""What is raised on purpose."""


class InputError(ValueError):
    """An argument that cannot be used. The message is one line."""
