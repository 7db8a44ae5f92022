"""``completion``: Tab completion for bash, zsh and fish."""

from mipsh.by_hand import here
from mipsh.grammar.complete import complete
from mipsh.grammar.declare import Argument, Command, Takes
from mipsh.grammar.tokens import quote, tokens_of_argv
from mipsh.grammar.words import read_words
from mipsh.lookup import SessionLookup
from mipsh.model.shell import SCRIPTS, WORDS, ScriptReport, WordReport
from mipsh.process import PROGRAM
from mipsh.result import Result
from mipsh.session import Session

# bash cuts words at : and = too: they are put together again by the line, and of what is found
# only the part behind the last such sign replaces what was typed.
BASH = """\
_mipsh() {
    local rest="${COMP_LINE:0:COMP_POINT}" word blank last words=()
    for word in "${COMP_WORDS[@]:0:COMP_CWORD+1}"; do
        blank="${rest%%[^[:space:]]*}"
        rest="${rest#"$blank"}"
        [[ $rest == "$word"* ]] || word="$rest"
        if [[ -n $blank || ${#words[@]} -eq 0 ]]; then words+=("$word"); else words[-1]+="$word"; fi
        rest="${rest#"$word"}"
    done
    last="${words[-1]}"
    mapfile -t COMPREPLY < <(
        mipsh --no-config --no-headers -o tsv completion words "${words[@]:1}" 2>/dev/null | cut -f1
    )
    COMPREPLY=("${COMPREPLY[@]#"${last%"${last##*[:=]}"}"}")
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    return 0
}
complete -o default -F _mipsh mipsh
"""
ZSH = """\
#compdef mipsh
_mipsh() {
    local -a found ask
    local line
    ask=(mipsh --no-config --no-headers -o tsv completion words)
    for line in ${(f)"$($ask "${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
        found+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
    done
    (( $#found )) && _describe mipsh found || _files
}
compdef _mipsh mipsh
"""
FISH = """\
function __mipsh_words
    set -l words (commandline -opc) (commandline -ct)
    mipsh --no-config --no-headers -o tsv completion words $words[2..-1] 2>/dev/null
end
complete -c mipsh -a '(__mipsh_words)'
"""
SHELLS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def run(session: Session, shell: str, words: list[str] | None = None) -> Result:
    """Print the script of a shell, or answer one: what could stand at the last of the words."""
    if shell == "words":
        return Result(WORDS, [WordReport(*found) for found in suggestions(session, words or [""])])
    return Result(SCRIPTS, [ScriptReport(shell, SHELLS[shell])])


def suggestions(session: Session, words: list[str]) -> list[tuple[str, str]]:
    """Return the words that could stand for the last one, with their meanings."""
    before, partial = words[:-1], words[-1]
    read = read_words(PROGRAM, tokens_of_argv(before), complete=False)
    inner = [token.text for token in read.rest or ()]
    lookup = SessionLookup(session)
    if not inner and partial.startswith("-") and read.pending is None:
        return [(o.name, o.meaning) for o in read.options() if o.name.startswith(partial)]
    if read.pending is not None and read.pending.takes is not None:
        found = lookup.candidates(read.expects()[0], read)
        return [(text, meaning) for text, meaning in found if text.startswith(partial)]
    line = " ".join([*map(quote, inner), partial])
    return [(s.text, s.meaning) for s in complete(line, len(line), session.registry, lookup, session.aliases)]


COMMAND = Command(
    "completion",
    "print the Tab completion script of a shell",
    run,
    (
        Argument("shell", Takes.WORD, "bash, zsh or fish", choices=(*SHELLS, "words")),
        Argument("words", Takes.RAW, "words to complete (used by the scripts)", required=False),
    ),
    examples=(('eval "$(mipsh completion bash)"', "for this bash"),),
    how=here("print a text that mipsh brings"),
)
