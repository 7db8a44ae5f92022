"""What is known of a lab is kept for its owner alone, and a lab is changed by one at a time."""

import os
import stat
from pathlib import Path

import pytest

from mipsh.errors import EngineError, MipshError, RefusedError, UsageError
from mipsh.lab.existing import choose, free_name, ground_of, held, look, place_of
from mipsh.lab.namespaces import planned_state
from mipsh.lab.plan import plan
from mipsh.lab.state import Impairment, Kind, LabState, Place, labs, sockets_folder


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return the place of a lab that is not there yet."""
    return Place(tmp_path / "mipsh", "one")


def state_of(place: Place) -> LabState:
    """Return what is known of a lab before it is built."""
    return planned_state(ground_of(place, Kind.SIMULATED), plan(place.name), Kind.SIMULATED)


def test_what_is_saved_is_loaded(place: Place) -> None:
    """Whole, for the owner alone, and nothing stays beside it."""
    place.make()
    state = state_of(place)
    state.impairments["home"] = Impairment(0.5, 0.1)
    place.save(state)
    assert place.load() == state
    assert stat.S_IMODE(place.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700
    assert [path.name for path in place.folder.iterdir()] == ["state.json"]
    place.remove()
    assert not place.sockets.exists()
    assert place.load() is None


def test_a_damaged_file_says_how_to_get_rid_of_it(place: Place) -> None:
    """It is no lab, and no bug."""
    place.make()
    for text in ("", "{", "[]", '{"name": 1}'):
        place.file.write_text(text, encoding="utf-8")
        with pytest.raises(MipshError, match="is damaged") as caught:
            place.load()
        assert "lab down --name one" in caught.value.hint


def test_a_folder_that_others_may_enter_is_refused(place: Place) -> None:
    """Sockets in it would be anybody's."""
    place.sockets.mkdir(mode=0o755)
    place.sockets.chmod(0o755)
    with pytest.raises(RefusedError, match="not yours alone"):
        place.make()


def test_the_lock_goes_with_what_it_locks(place: Place) -> None:
    """It can be taken again after the files were removed, and is taken by one only."""
    for _ in range(2):
        with place.locked():
            with pytest.raises(RefusedError, match="another mipsh"), place.locked():
                raise AssertionError("it was held twice")
            place.remove()
    assert not place.sockets.exists()


def test_nodes_and_links_are_found_by_name(place: Place) -> None:
    """What is not there is said with what is."""
    state = state_of(place)
    assert state.node("mn").role == "mn"
    assert [(node.name, interface) for node, interface in state.on("home")] == [("r1", "home"), ("ha", "eth0")]
    with pytest.raises(UsageError) as caught:
        state.node("nn")
    assert caught.value.hint == "there are: r1, ha, cn, mn"
    with pytest.raises(UsageError):
        state.link("moon")


def test_a_lab_is_meant_by_its_name_or_as_the_only_one(tmp_path: Path) -> None:
    """With several it must be named, unless one of them has the usual name."""
    variables = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert (choose(variables), choose(variables, "x")) == ("lab", "x")
    with pytest.raises(EngineError, match="no lab 'lab'"):
        look(variables)
    for name, expected in (("one", "one"), ("two", None), ("lab", "lab")):
        place = place_of(variables, name)
        place.make()
        place.save(state_of(place))
        if expected is None:
            with pytest.raises(UsageError, match="several labs: one, two"):
                choose(variables)
        else:
            assert choose(variables) == expected
    assert labs(sockets_folder(variables)) == ["lab", "one", "two"]
    assert free_name(variables, "one") == "one1"
    assert free_name(variables, "new") == "new"
    with pytest.raises(EngineError, match="not built to the end"), held(variables, "one"):
        raise AssertionError("it was held")


def test_where_labs_are_without_a_folder_of_ones_own() -> None:
    """Root's are the system's; anybody else has a folder among the temporary ones."""
    folder = sockets_folder({})
    assert str(folder) == "/run/mipsh" if os.geteuid() == 0 else folder.name == f"mipsh-{os.geteuid()}"
