"""Named network namespaces: which there are, and what is said when one cannot be entered."""

import threading
from pathlib import Path

import pytest

from mipsh.errors import RefusedError, UsageError
from mipsh.linux.namespaces import enter, names


def test_the_names_are_those_of_the_folder(tmp_path: Path) -> None:
    """Sorted; a folder that is not there has none."""
    for name in ("b", "a"):
        (tmp_path / name).touch()
    assert names(str(tmp_path)) == ["a", "b"]
    assert names(str(tmp_path / "missing")) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/run/netns/a"])
def test_a_path_is_no_name(name: str) -> None:
    """Nothing outside the folder can be entered."""
    with pytest.raises(UsageError, match="is not the name of a network namespace"):
        enter(name)


def test_a_name_that_is_not_there_is_met_with_those_that_are(tmp_path: Path) -> None:
    """Or with none."""
    with pytest.raises(UsageError) as caught:
        enter("c", str(tmp_path))
    assert caught.value.hint == "there are: none"
    (tmp_path / "a").touch()
    with pytest.raises(UsageError) as caught:
        enter("c", str(tmp_path))
    assert (caught.value.message, caught.value.hint) == ("there is no network namespace 'c'", "there are: a")


def test_a_file_that_is_no_namespace_is_refused(tmp_path: Path) -> None:
    """With the kernel's reason."""
    (tmp_path / "a").touch()
    with pytest.raises(RefusedError, match="cannot enter the network namespace 'a': "):
        enter("a", str(tmp_path))


@pytest.mark.system
def test_the_own_namespace_can_be_entered_with_the_privilege(tmp_path: Path) -> None:
    """In a thread of its own, since it is the thread that enters."""
    (tmp_path / "own").symlink_to("/proc/self/ns/net")
    refused: list[RefusedError] = []

    def try_it() -> None:
        try:
            enter("own", str(tmp_path))
        except RefusedError as error:
            refused.append(error)

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    if refused:
        assert "CAP_SYS_ADMIN" in refused[0].hint
        pytest.skip("entering a namespace needs root")
