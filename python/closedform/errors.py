"""What is raised on purpose."""

LONGEST = 2000


class InputError(ValueError):
    """An argument that cannot be used. The message is one line, whatever it quotes."""

    def __init__(self, message: str) -> None:
        line = " ".join(message.splitlines())
        if len(line) > LONGEST:  # which argument stands at the front, the way out at the end
            line = f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"
        super().__init__(line)


class OutsideWarning(UserWarning):
    """Rows lie outside the ranges of the data a formula was found in, or where it has no value."""
