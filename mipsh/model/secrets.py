"""Secrets that a person typed: what of a line is not to be written down."""

import re

_SECRET = re.compile(r"\b(auth|cookie|token)=(?:'[^']*'|\"[^\"]*\"|\S)+")


def without_secrets(line: str) -> str:
    """Return a line with the values of authenticators, cookies and keygen tokens left out."""
    return _SECRET.sub(r"\1=(hidden)", line)


def has_secrets(line: str) -> bool:
    """Tell whether a line has such a value."""
    return _SECRET.search(line) is not None
