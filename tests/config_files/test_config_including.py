"""What a file includes: in its place, five deep at most, loops found, what is missing said."""

from config_texts import codes, whole

from mipsh.config_files.including import DEEPEST_INCLUDE, MOST_FILES
from mipsh.config_files.mip6d import understand


def test_what_is_included_stands_in_its_place() -> None:
    """A later statement overrules it, and places are those of the file that it is in."""
    found = whole('include "/a*"\nDebugLevel 3;', a1="DebugLevel 1;", a2="\nNodeConfig HA;", b="NodeConfig MN;")
    conf = understand(found)
    assert (conf.role, conf.amount("DebugLevel")) == ("HA", 3)
    assert str(conf.place("NodeConfig")) == "/a2:2:1"
    assert [document.path for document in found.documents] == ["f", "/a1", "/a2"]
    assert found.is_complete


def test_an_include_may_be_in_a_block() -> None:
    """mip6d puts text in the place of text."""
    found = whole('MnHomeLink "x" { include "/a" }', a="HomeAddress 2001:db8::1/64;")
    (link,) = understand(found).home_links
    assert link.home is not None


def test_a_pattern_that_matches_nothing_is_a_warning() -> None:
    """As it is to mip6d, and a relative one as well."""
    assert codes(whole('include "a"').findings) == ["warning no-such-file", "warning relative-include"]


def test_loops_are_found() -> None:
    """With the files that they go through."""
    found = whole('include "/a"', a='include "/b"', b='include "/a"')
    assert codes(found.findings) == ["error include-loop"]
    assert "/a → /b → /a" in found.findings[0].message
    assert not found.is_complete


def test_a_file_that_includes_itself_by_a_pattern_is_a_loop() -> None:
    """It does not go on for ever."""
    found = whole('include "/*"', a='include "/*"', b='include "/*"')
    assert set(codes(found.findings)) == {"error include-loop"}


def test_five_levels_are_the_most() -> None:
    """As they are to mip6d."""
    levels = {f"l{n}": f'include "/l{n + 1}"' for n in range(20)}
    found = whole('include "/l0"', **levels)
    assert codes(found.findings) == ["error include-depth"]
    assert len(found.documents) == DEEPEST_INCLUDE + 1


def test_many_files_are_too_many() -> None:
    """A bomb of files that include many does not go off."""
    texts = {f"{level}{n}": f'include "/{level + 1}*"' for level in range(5) for n in range(10)}
    found = whole('include "/0*"', **texts)
    assert len(found.documents) <= MOST_FILES
    assert "error too-much" in codes(found.findings)
    assert len(found.findings) <= MOST_FILES


def test_what_cannot_be_read_is_said() -> None:
    """The rest is read all the same."""
    found = whole('include "/*"', a=None, b="NodeConfig HA;", c="{")
    assert codes(found.findings) == ["error syntax MIP-205", "error unreadable"]
    assert understand(found).role == "HA"
    assert not found.is_complete
