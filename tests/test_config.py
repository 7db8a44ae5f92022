"""The configuration file: what it may say, and an error with file, line and key for the rest."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.config import MAX_SIZE, Config, load_config, parse_config
from mipsh.errors import ConfigError
from mipsh.settings import Settings

GOOD = """\
# mine
output = "json"
engine = 'umip://[::1]:7778'
timeout = 2
wide = true
headers = "off"
startup = ["status", "bc"]

[aliases]
mine = "bul --where cn=$1"
"two.words" = "bc; rr"
"""


def read(text: str) -> Config:
    """Understand a text as the file ``f``."""
    return parse_config(text.encode(), "f")


def wrong(text: str | bytes) -> ConfigError:
    """Return the error of a file that is wrong."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text if isinstance(text, bytes) else text.encode(), "f")
    return caught.value


def test_a_whole_file() -> None:
    """Settings, aliases and startup lines."""
    config = read(GOOD)
    assert config.settings == Settings("json", "umip://[::1]:7778", 2.0, wide=True, headers=False)
    assert config.aliases == {"mine": "bul --where cn=$1", "two.words": "bc; rr"}
    assert config.startup == ("status", "bc")


@pytest.mark.parametrize("text", ["", "# nothing\n", "\r\n", "[aliases]\n", "startup = []"])
def test_an_empty_file(text: str) -> None:
    """It changes nothing."""
    assert read(text) == Config(Settings(), {})


@pytest.mark.parametrize(
    "text", ['aliases.mine = "bul"', 'aliases = { mine = "bul" }', "[ aliases ]\n\"mine\" = 'bul'"]
)
def test_every_form_of_a_table(text: str) -> None:
    """As TOML has them."""
    assert read(text).aliases == {"mine": "bul"}


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("\n\noutptu = 'json'", "f:3: there is no key 'outptu'", "did you mean output?"),
        ("a=1\n'q q' = 1", "f:1: there is no key 'a'", "keys: output, engine"),
        ("output='csv'\n'q q' = 1", "f:2: there is no key 'q q'", "keys: output"),
        ("[alias]\na = 'b'", "f:1: there is no key 'alias'", "did you mean aliases?"),
        ("\n[[alias]]\na = 'b'", "f:2: there is no key 'alias'", "did you mean aliases?"),
        ("wide = 'x'\ncolor = 'red'", "f:1: wide cannot be 'x'", "it can be on, off"),
        ("wide = 'on'\n\"color\" = 'red'", "f:2: color cannot be 'red'", "it can be auto, always, never"),
        ("# color\ntimeout = 'soon'", "f:2: timeout cannot be 'soon'", "Expected `float`"),
        ("output = 5", "f:1: output cannot be '5'", "Expected `str`, got `int`"),
        ("\n[output]\na = 5", "f:2: output cannot be 'a=5'", "Expected `str`"),
        ("\noutput.a = 5", "f:2: output cannot be 'a=5'", "Expected `str`"),
        ("verbosity = true", "f:1: verbosity cannot be 'true'", "Expected `int`, got `bool`"),
        ("timeout = 1979-05-27", "f:1: timeout cannot be '1979-05-27'", "Expected `float`"),
        ("timeout = nan", "f:1: timeout cannot be 'nan'", "Expected `float` > 0.0"),
        ("\nverbosity = 0x" + "f" * 5000, "f:2: verbosity cannot be so large a number", "Expected `int`"),
        ("\naliases = 3", "f:2: aliases is a table", "write [aliases]"),
        ("aliases = []", "f:1: aliases is a table", "write [aliases]"),
        ("[aliases]\na = 'b'\nc = 3", "f:3: the alias 'c' is a text that is not empty", "write NAME"),
        ("[aliases]\na = ''", "f:2: the alias 'a' is a text that is not empty", "write NAME"),
        ("[aliases]\na = ' '", "f:2: the alias 'a' is a text that is not empty", "write NAME"),
        ("output = 'csv'\n[aliases]\noutput = 3", "f:3: the alias 'output' is a text that", "write NAME"),
        ("\naliases = { a = 3 }", "f:2: the alias 'a' is a text that", "write NAME"),
        ("\n\naliases.a = 3", "f:3: the alias 'a' is a text that", "write NAME"),
        ("[aliases]\n'a b' = 'c'", "f:2: the alias 'a b' cannot be typed as one word", "choose another name"),
        ("[aliases]\n'' = 'c'", "f:2: the alias '' cannot be typed as one word", "choose another name"),
        ("[aliases]\n'?' = 'c'", "f:2: the alias '?' cannot be typed as one word", "choose another name"),
        ("startup = 'status'", "f:1: startup is a list of lines", "write startup ="),
        ("\nstartup = ['status', 5]", "f:2: startup is a list of lines", "write startup ="),
    ],
)
def test_every_error_names_file_line_and_key(text: str, message: str, hint: str) -> None:
    """And what to write instead."""
    error = wrong(text)
    assert error.message.startswith(message)
    assert error.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"a\n=\n", "f:1: not TOML: "),
        (b"output = 'a'\n\noutput = \n", "f:3: not TOML: "),
        (b"output = 'a'\noutput = 'b'\n", "f:2: not TOML: "),
        (b"\noutput =", "f:2: not TOML: "),
        (b"\noutput = '''\n\n", "f:3: not TOML: "),
        (b"\n\n\xff = 1", "f:3: not UTF-8"),
        (b"\xff\xfeo\0", "f:1: not UTF-8"),
        (b"\noutput = \0", "f:2: not TOML: "),
        (b"x = " + b"[" * 20000, "f:1: not a configuration of mipsh: "),
        (b"verbosity = " + b"9" * 5000, "f:1: not a configuration of mipsh: "),
    ],
)
def test_what_is_no_toml(text: bytes, message: str) -> None:
    """The line is that of the mistake; at the end of the file, the last one."""
    assert wrong(text).message.startswith(message)


def test_a_line_ends_as_toml_says() -> None:
    """A form feed or a line separator within a comment ends none."""
    assert wrong("# a\u2028b\x85c\noutput = 5").message.startswith("f:2: output")


def test_a_file_is_read(tmp_path: Path) -> None:
    """By its path; the error names that path."""
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    assert load_config(str(path)) == read(GOOD)
    path.write_text("outptu = 1")
    with pytest.raises(ConfigError, match=rf"{path}:1: there is no key 'outptu'"):
        load_config(str(path))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """It is empty, unless it was asked for."""
    path = str(tmp_path / "nothing.toml")
    assert load_config(path) == Config(Settings(), {})
    with pytest.raises(ConfigError, match=f"there is no configuration file {path}"):
        load_config(path, required=True)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A folder is no file, and neither is a path through one."""
    (tmp_path / "file").touch()
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "file" / "x", "Not a directory")):
        with pytest.raises(ConfigError, match=f"cannot read {path}: {reason}"):
            load_config(str(path))


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """One byte more than allowed is not even parsed."""
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * MAX_SIZE)
    assert load_config(str(path)) == Config(Settings(), {})
    path.write_bytes(b"#" * (MAX_SIZE + 1))
    with pytest.raises(ConfigError, match="is larger than 1 MiB"):
        load_config(str(path))


PIECES = st.sampled_from(
    ["output", "aliases", "startup", "wide", "x", "=", "'json'", "true", "5", "\n", "[", "]", ".", ",", "{", "}", " "]
)


@given(st.lists(PIECES).map("".join).map(str.encode) | st.binary(max_size=30))
def test_any_bytes_are_a_configuration_or_an_error(raw: bytes) -> None:
    """No other error comes, and it names a line of the file."""
    try:
        parse_config(raw, "f")
    except ConfigError as error:
        name, line, rest = error.message.split(":", 2)
        assert name == "f" and rest.strip()
        assert 1 <= int(line) <= raw.count(b"\n") + 1
    else:
        assert set(tomllib.loads(raw.decode())) <= {*Settings.__struct_fields__, "aliases", "startup"}
