"""From nothing to the first prompt, on a terminal."""

from functools import partial

from measure import Row, interleaved, ms, report
from processes import HERE, LITECLI, MIPSH, PYTHON, home, prompt_s, serving

ROUNDS = 21
BARE_BAR = 1.25


def main() -> str:
    """Measure and return the report."""
    with home() as environment, serving([PYTHON, str(HERE / "bindings.py"), "1"]) as engine:
        until = partial(prompt_s, environment=environment)
        medians = interleaved(
            {
                "bare": lambda: until([PYTHON, str(HERE / "bare_prompt.py")], b"bare>"),
                "mipsh": lambda: until([MIPSH, "-e", engine], b"ha@umip"),
                "litecli": lambda: until([LITECLI, "--prompt", "lite> "], b"lite>"),
            },
            ROUNDS,
            warm=2,
        )
    mipsh, bare, litecli = medians["mipsh"], medians["bare"], medians["litecli"]
    to_bare, to_litecli = mipsh / bare, mipsh / litecli
    bar = f"<= {BARE_BAR} x"
    rows = [
        Row("mipsh to its prompt", ms(mipsh), "bare PromptSession + rich", ms(bare), to_bare, bar, to_bare <= BARE_BAR),
        Row(
            "mipsh to its prompt", ms(mipsh), "litecli to its prompt", ms(litecli), to_litecli, "< 1 x", to_litecli < 1
        ),
    ]
    return report("First prompt", [f"{ROUNDS} interleaved runs on a pseudo-terminal, engine connected"], rows)
