"""Errors of gridgov: a class exists only if somebody catches it or its exit differs."""

from geodata.problems import Problem


class GridgovError(Exception):
    """Root of every error that gridgov raises on purpose."""


class CityError(GridgovError):
    """A city pack cannot be used; ``problems`` holds every fault of every file.

    Attributes
    ----------
    problems
        All faults, errors and warnings, in the order of the pack's files.
    """

    def __init__(self, city: str, problems: list[Problem]) -> None:
        self.city = city
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class UnknownEntryError(GridgovError):
    """Nothing, or more than one thing, goes by the code or name that was asked for.

    Attributes
    ----------
    what
        Kind of thing, such as ``item`` or ``street``.
    value
        What was asked for.
    nearest
        Codes with names that come closest, best first.
    """

    def __init__(self, what: str, value: str, nearest: tuple[str, ...], *, found: str) -> None:
        self.what = what
        self.value = value
        self.nearest = nearest
        hint = f"; did you mean {', '.join(nearest)}?" if nearest else "; nothing comes close"
        super().__init__(f"{what} {value!r}: {found}{hint}")


class NotFoundError(GridgovError):
    """There is nothing with this number here, or not for this account: both look the same from outside.

    Attributes
    ----------
    what, number
        Kind of thing, and what was asked for.
    """

    def __init__(self, what: str, number: str) -> None:
        self.what, self.number = what, number
        super().__init__(f"{what} {number!r}: there is none that you may see; check the number")


class ConflictError(GridgovError):
    """Somebody else changed the thing meanwhile; nothing of the second change was kept.

    Attributes
    ----------
    what, number
        Kind of thing, and which.
    seen, found
        Version that the second person had seen, and the one there is now.
    """

    def __init__(self, what: str, number: str, *, seen: int | None, found: int | None) -> None:
        self.what, self.number, self.seen, self.found = what, number, seen, found
        now = "a newer one" if found is None else found
        super().__init__(
            f"{what} {number}: somebody changed it meanwhile (seen version {seen}, now {now}). "
            "Nothing was saved; look at it again and repeat your step if it still applies"
        )


class ForbiddenError(GridgovError):
    """The account's role or unit does not allow this."""
