"""The least that a shell with prompt_toolkit and rich can be: the peer of mipsh's first prompt."""

from prompt_toolkit import PromptSession
from rich.console import Console
from rich.table import Table

if __name__ == "__main__":
    console, table = Console(), Table()
    PromptSession[str]().prompt("bare> ")
