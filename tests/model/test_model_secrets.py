"""Values that a person typed and that are not to be written down."""

import pytest

from mipsh.model.secrets import has_secrets, without_secrets


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("craft hot token=0102030405060708 nonce=1", "craft hot token=(hidden) nonce=1"),
        ("craft coti cookie='01 02 03' --send", "craft coti cookie=(hidden) --send"),
        ('craft bu auth="ff ff"ff seq=1', "craft bu auth=(hidden) seq=1"),
        ("craft bu seq=1", "craft bu seq=1"),
        ("bc --where token=1", "bc --where token=(hidden)"),
        ("", ""),
    ],
)
def test_secrets_are_left_out(line: str, kept: str) -> None:
    """With their quotes, and nothing else."""
    assert without_secrets(line) == kept
    assert has_secrets(line) is (line != kept)
