"""Recordings: what is read is what was said, and what is wrong with a file is said by name."""

import json
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.errors import OutputError, UsageError
from mipsh.recording import (
    LARGEST_FILE,
    PROMPT,
    Exchange,
    Recording,
    Said,
    VtOptions,
    load,
    nearest,
    nodes,
    save,
)

RECORDINGS = Path(__file__).parent / "recordings" / "mip6d-1.0"
PLAIN = VtOptions(prompt=False, verbose=True, fancy=False)
GREETED = f"{PROMPT}\0"


def write(folder: Path, content: bytes | str, node: str = "mn") -> Path:
    """Write one node's file as it is given."""
    file = folder / f"{node}.vt.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def test_nodes_are_the_names_of_the_files_sorted(tmp_path: Path) -> None:
    """Only NODE.vt.json counts: not hidden files, folders, or what else lies there."""
    assert nodes(RECORDINGS / "05-inter-mn") == ["cn", "ha", "mn", "mn2"]
    for name in ("b.vt.json", "a.vt.json", ".c.vt.json", ".vt.json", "d.json", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "e.vt.json").mkdir()
    assert nodes(str(tmp_path)) == ["a", "b"]


@pytest.mark.parametrize("name", ["missing", "empty", "file", "nul\0"])
def test_a_folder_without_recordings_says_what_was_expected(tmp_path: Path, name: str) -> None:
    """No folder, an empty one, a file: each is the user's mistake, with a hint."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=name.rstrip("\0")) as caught:
        nodes(tmp_path / name)
    assert "NODE.vt.json" in caught.value.hint


def test_load_gives_the_exact_replies() -> None:
    """A reply keeps its greeting, its escapes and its NUL."""
    recording = load(RECORDINGS / "03-route-optimised", "ha")
    first = recording.exchanges[0]
    assert recording.node == "ha"
    assert (first.command, first.seconds) == ("bc", 0.0021)
    assert first.reply.startswith("mip6d> \x1b[1;4mhoa 2001:db8:1:0:0:0:0:100\x1b[0m")
    assert first.reply.endswith("mip6d> \0")
    assert all(exchange.reply.count("\0") == 1 for exchange in recording.exchanges)


@pytest.mark.parametrize("node", ["nobody", "", "../03-route-optimised/ha", "ha\0", "."])
def test_load_names_the_nodes_there_are(node: str) -> None:
    """Only a node of that folder can be loaded."""
    with pytest.raises(UsageError) as caught:
        load(RECORDINGS / "03-route-optimised", node)
    assert caught.value.hint == "nodes recorded there: cn, ha, mn"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe[",
        b'[["bc", "\xff\\u0000", 1]]',
        b"null",
        b'{"bc": "reply"}',
        b'["bc"]',
        b'[["bc"]]',
        b'[["bc", "mip6d> \\u0000", "fast"]]',
        b'[["bc", "mip6d> \\u0000", 0.1, "more"]]',
        b'[["bc", 1, 0.1]]',
        b'[["bc", "mip6d> ", 0.1]]',
        b'[["bc", "", 0.1]]',
        b'[["bc", "mip6d> \\u0000\\u0000", 0.1]]',
        b'[["bc", "mip6d> \\u20ac\\u0000", 0.1]]',
        b'[["bc", "mip6d> \\ud800\\u0000", 0.1]]',
        b'[["bc\\nbul", "mip6d> \\u0000", 0.1]]',
        b'[["bc", "SSH-2.0\\u0000", 0.1]]',
        b"[" * 100_000,
        b'[[["bc", ' + b"[" * 100_000,
    ],
)
def test_a_malformed_file_is_named(tmp_path: Path, content: bytes) -> None:
    """Whatever is in the file, the error is the user's to read: file and expectation."""
    file = write(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        load(tmp_path, "mn")
    assert str(file) in caught.value.message
    assert "[" in caught.value.hint


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.floats(), st.lists).map(json.dumps))
def test_no_content_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes | str) -> None:
    """Any bytes are a recording or a UsageError."""
    folder = tmp_path_factory.mktemp("any")
    write(folder, content)
    try:
        assert load(folder, "mn").node == "mn"
    except UsageError as error:
        assert "mn.vt.json" in error.message


def test_a_file_too_large_is_not_read_whole(tmp_path: Path) -> None:
    """A sparse file costs nothing to make; it is refused by its size."""
    with write(tmp_path, "[").open("r+b") as stream:
        stream.truncate(LARGEST_FILE + 1)
    with pytest.raises(UsageError, match="too large"):
        load(tmp_path, "mn")


def test_save_makes_private_files_and_load_reads_them_back(tmp_path: Path) -> None:
    """The folder is 0700, the file 0600, nothing else is left there, and the content is equal."""
    recording = load(RECORDINGS / "05-inter-mn", "mn")
    folder = tmp_path / "new" / "take"
    file = save(folder, recording)
    assert file == folder / "mn.vt.json"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(folder.iterdir()) == [file]
    assert load(folder, "mn") == recording
    save(folder, Recording("mn", []))
    assert load(folder, "mn").exchanges == []


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(max_codepoint=0xFF, exclude_characters="\r\n\0")),
            st.text(st.characters(max_codepoint=0xFF, exclude_characters="\0")),
            st.floats(0, 1e6),
        )
    )
)
def test_what_was_saved_is_loaded(tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, str, float]]) -> None:
    """Every byte of a reply survives."""
    folder = tmp_path_factory.mktemp("round")
    exchanges = [Exchange(command, f"{PROMPT}{reply}\0", seconds) for command, reply, seconds in said]
    save(folder, Recording("n", exchanges))
    assert load(folder, "n") == Recording("n", exchanges)


@pytest.mark.parametrize("node", ["", ".hidden", "../mn", "a/b", "nul\0"])
def test_save_refuses_a_name_that_leaves_the_folder(tmp_path: Path, node: str) -> None:
    """A node's name is a file's name and nothing more."""
    with pytest.raises(UsageError):
        save(tmp_path / "take", Recording(node, []))
    assert not (tmp_path / "take").exists()


def test_save_says_when_it_cannot_write(tmp_path: Path) -> None:
    """A file in the folder's place, or a folder in the file's, is an OutputError; nothing is left."""
    with pytest.raises(OutputError, match=r"mn\.vt\.json"):
        save(write(tmp_path, "[]"), Recording("mn", []))
    (tmp_path / "take" / "mn.vt.json" / "full").mkdir(parents=True)
    with pytest.raises(OutputError, match=r"mn\.vt\.json"):
        save(tmp_path / "take", Recording("mn", []))
    assert [entry.name for entry in (tmp_path / "take").iterdir()] == ["mn.vt.json"]


def test_said_follows_the_options_through_the_recording() -> None:
    """Bodies come without greeting, prompt and NUL, each under the options of its moment."""
    said = load(RECORDINGS / "03-route-optimised", "ha").said()
    assert [(it.options.prompt, it.options.verbose, it.options.fancy) for it in said["bc"]] == [
        (True, False, True),
        (True, True, True),
        (True, True, False),
        (False, True, False),
    ]
    assert said["bul"][0].body == 'unknown command: "(null)"\n'
    assert said["verbose yes"] == [Said(VtOptions(verbose=True), "yes\n")]
    assert said["prompt no"] == [Said(VtOptions(False, True, False), "no\n")]
    assert said["nonce"][0].body == ""
    assert all(PROMPT not in it.body and "\0" not in it.body for bodies in said.values() for it in bodies)


def test_said_learns_an_option_from_a_question() -> None:
    """An answer to a bare option word tells its state as well as one that sets it."""
    recording = Recording(
        "x", [Exchange("verbose", f"{PROMPT}yes\n{PROMPT}\0", 0), Exchange("bc", f"text\n{PROMPT}\0", 0)]
    )
    assert recording.said()["bc"] == [Said(VtOptions(verbose=True), "text\n")]


def test_answers_are_the_recorded_ones_where_there_are_any() -> None:
    """Each recorded combination gives its own body."""
    recording = load(RECORDINGS / "03-route-optimised", "ha")
    terse = recording.answers("bc", VtOptions())
    verbose = recording.answers(" bc ", PLAIN)
    assert terse is not None
    assert verbose is not None
    assert "\x1b[1;4m" in terse
    assert " tunnel " not in terse
    assert "\x1b" not in verbose
    assert " tunnel ip6tnl1 link ha0" in verbose
    assert recording.answers("bc", VtOptions(verbose=True)) == recording.exchanges[5].reply[: -len(GREETED)]
    assert recording.answers("nothing", PLAIN) is None
    assert recording.answers("hal", PLAIN) == "ha0 2001:db8:1:0:0:0:0:1\n preference 10 lifetime 1800\n"


def test_answers_without_fancy_are_derived_from_fancy_ones() -> None:
    """A terse plain answer was never recorded: it is the terse fancy one without its escapes."""
    recording = load(RECORDINGS / "03-route-optimised", "ha")
    derived = recording.answers("bc", VtOptions(fancy=False))
    assert derived is not None
    assert derived.startswith("hoa 2001:db8:1:0:0:0:0:100 status registered\n")
    assert " tunnel " not in derived


def test_nearest_prefers_the_same_verbosity() -> None:
    """Verbose counts before fancy, fancy before prompt, and the latest stands among equals."""
    terse_plain = Said(VtOptions(True, False, False), "terse plain")
    verbose_fancy = Said(VtOptions(True, True, True), "\x1b[1mverbose\x1b[0m fancy")
    assert nearest([terse_plain, verbose_fancy], PLAIN) == "verbose fancy"
    assert nearest([verbose_fancy, terse_plain], VtOptions()) == "terse plain"
    assert nearest([terse_plain], PLAIN) == "terse plain"
    assert nearest([verbose_fancy], VtOptions()) == verbose_fancy.body
    assert nearest([terse_plain, Said(terse_plain.options, "later")], terse_plain.options) == "later"
    assert nearest([], PLAIN) is None


def test_every_recording_here_can_be_read() -> None:
    """Every folder loads, and writing it gives the same JSON values."""
    files = sorted(RECORDINGS.glob("*/*.vt.json"))
    assert files
    for file in files:
        recording = load(file.parent, file.name.removesuffix(".vt.json"))
        assert json.loads(msgspec.json.encode(recording.exchanges)) == json.loads(file.read_bytes())
