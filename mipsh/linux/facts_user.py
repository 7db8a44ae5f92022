"""Files of users about checks: checks in YAML, suppressions and baselines; text from outside, of bounded size.

YAML is read as data only: no tags that make objects, and no aliases, of which a small file can make a huge one.
"""

from pathlib import Path
from typing import Any

from mipsh.checks import suppress, user
from mipsh.checks.check import Check
from mipsh.errors import ConfigError, UsageError

SYSTEM_FOLDER = "/etc/mipsh"
FOLDER, SUPPRESSIONS = "checks.d", "suppressions.toml"
LARGEST, LARGEST_BASELINE = 64 * 1024, 64 * 1024 * 1024
MOST_FILES = 100
SUFFIXES = (".yaml", ".yml")


def user_checks(folders: list[str]) -> tuple[list[Check], list[str]]:
    """Return the checks of the files in ``checks.d`` of some folders, and what of them could not be read, in words."""
    found: list[Check] = []
    faults: list[str] = []
    for folder in folders:
        for path in _files(Path(folder) / FOLDER, faults):
            try:
                found += user.checks(document(_read(path, LARGEST), str(path)), str(path))
            except ConfigError as error:
                faults.append(f"{error.message}" + (f" ({error.hint})" if error.hint else ""))
    return found, faults


def _files(folder: Path, faults: list[str]) -> list[Path]:
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    except FileNotFoundError:
        return []
    except OSError as error:
        faults.append(f"cannot read {folder}: {error.strerror}")
        return []
    if len(found) > MOST_FILES:
        faults.append(f"{folder}: only the first {MOST_FILES} of {len(found)} files are read")
    return found[:MOST_FILES]


def _read(path: Path, most: int) -> bytes:
    """Return a file's content; raises ConfigError."""
    try:
        if not path.is_file():
            raise ConfigError(f"{path} is no file")
        with path.open("rb") as stream:
            data = stream.read(most + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if len(data) > most:
        raise ConfigError(f"{path} is larger than {most} bytes")
    return data


def document(data: bytes, path: str) -> Any:
    """Return what YAML says, as mappings, lists, texts and numbers; raises ConfigError."""
    import yaml

    class Plain(yaml.SafeLoader):
        """A loader without aliases."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            """Refuse an alias."""
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("aliases (*name) are not taken")
            return super().compose_node(parent, index)

    try:
        loader = Plain(data)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError, TypeError, AttributeError, KeyError) as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise ConfigError(f"{path}: not YAML: {said}") from None


def suppressions(folders: list[str]) -> tuple[suppress.Suppression, ...]:
    """Return the suppressions of ``suppressions.toml`` in some folders; raises ConfigError."""
    found: tuple[suppress.Suppression, ...] = ()
    for folder in folders:
        path = Path(folder) / SUPPRESSIONS
        if path.exists():
            found += suppress.parse(_read(path, LARGEST), str(path))
    return found


def baseline(path: str) -> frozenset[tuple[str, str, str]]:
    """Return what a document of ``check --json`` found; raises UsageError."""
    if not Path(path).exists():
        raise UsageError(f"there is no file {path}", "make one: check --json > FILE")
    return suppress.baseline(_read(Path(path), LARGEST_BASELINE), path)
