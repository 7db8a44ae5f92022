"""The search finds what fits on any path, tells refusal from silence, and ends."""

from hypothesis import given
from hypothesis import strategies as st
from scripted_path import Link, Path, run

from mipsh.path_mtu.search import MOST_PROBES, SMALLEST, TRIES, Answer, Reply, Search

TOP = 1500
MTUS = st.integers(SMALLEST, TOP + 100)
SAYING = st.builds(lambda mtu: Link(mtu, mtu), MTUS)
SILENT = st.builds(Link, MTUS)


def test_all_fits() -> None:
    """One small probe and one of the largest size are enough."""
    path = Path([Link(TOP)])
    found = run(Search(TOP), path)
    assert path.sizes == [1280, TOP]
    assert (found.largest, found.has_hole, found.is_exact) == (TOP, False, True)


def test_what_is_told_is_believed() -> None:
    """A Packet Too Big says what fits: it is tried next, and that is all."""
    path = Path([Link(TOP, TOP), Link(1400, 1400)])
    found = run(Search(TOP), path)
    assert path.sizes == [1280, TOP, 1400]
    assert (found.largest, found.refused_from, found.has_hole) == (1400, 1401, False)


def test_a_black_hole() -> None:
    """Sizes vanish from one above what fits up to the largest."""
    found = run(Search(TOP), Path([Link(1452)]))
    assert (found.largest, found.silent_from, found.silent_to) == (1452, 1453, TOP)
    assert found.has_hole
    assert found.is_exact


def test_a_black_hole_below_what_is_told() -> None:
    """A router says what its link takes, and what follows swallows some of that."""
    found = run(Search(TOP), Path([Link(1400, 1400), Link(1350)]))
    assert (found.largest, found.silent_from, found.silent_to) == (1350, 1351, 1400)
    assert found.refused_from == 1401


def test_nothing_is_answered() -> None:
    """Each of two sizes is tried a few times, and that is all."""
    path = Path([Link(0)])
    found = run(Search(TOP), path)
    assert path.sizes == [1280] * TRIES + [SMALLEST] * TRIES
    assert found.largest is None
    assert not found.has_hole


def test_a_link_that_takes_too_little() -> None:
    """IPv6 forbids a link of less than 1280 bytes, and it is found all the same."""
    found = run(Search(TOP), Path([Link(1000)]))
    assert (found.largest, found.silent_from) == (1000, 1001)


def test_one_loss_is_no_hole() -> None:
    """A probe that was lost by chance is sent again."""
    search = Search(TOP)
    for size, reply in ((1280, Reply.FITS), (TOP, Reply.SILENT), (TOP, Reply.FITS)):
        assert search.next_size() == size
        search.answer(size, Answer(reply))
    assert search.next_size() is None
    assert search.found.largest == TOP
    assert not search.found.has_hole


def test_a_told_size_that_does_not_fit() -> None:
    """What is told may be wrong: the search goes on below."""
    found = run(Search(TOP), Path([Link(1300, 1490)]))
    assert found.largest == 1300
    assert not found.has_hole


@given(st.lists(SAYING, min_size=1, max_size=4))
def test_any_path_that_says_what_it_takes(links: list[Link]) -> None:
    """What fits is found with few probes, and nothing vanishes."""
    path = Path(links)
    found = run(Search(TOP), path)
    assert found.largest == min(path.mtu, TOP)
    assert not found.has_hole
    assert found.is_exact
    assert len(path.sizes) <= len(links) + 14


@given(SILENT)
def test_any_path_that_swallows(link: Link) -> None:
    """The border is found exactly, with a bounded number of probes."""
    path = Path([link])
    found = run(Search(TOP), path)
    assert found.largest == min(link.mtu, TOP)
    assert found.has_hole is (link.mtu < TOP)
    assert found.is_exact
    if link.mtu < TOP:
        assert found.silent_from == link.mtu + 1


@given(st.lists(st.one_of(SAYING, SILENT), min_size=1, max_size=4))
def test_any_path(links: list[Link]) -> None:
    """Whatever the links do, what fits is found, and a hole is there only if something swallowed."""
    path = Path(links)
    found = run(Search(TOP), path)
    assert found.largest == min(path.mtu, TOP)
    if found.has_hole:
        assert any(link.says is None and link.mtu < TOP for link in links)
    if path.mtu < TOP and found.largest == path.mtu and path(path.mtu + 1).reply is Reply.SILENT:
        assert found.has_hole


@given(st.lists(st.one_of(SAYING, SILENT), min_size=1, max_size=3), st.floats(0, 1), st.integers(0, 99))
def test_loss_never_makes_more_fit(links: list[Link], loss: float, seed: int) -> None:
    """With losses by chance it ends, and never says that more fits than does."""
    path = Path(links, loss, seed)
    found = run(Search(TOP), path)
    assert len(path.sizes) == found.probes <= MOST_PROBES
    assert found.largest is None or found.largest <= min(path.mtu, TOP)


@given(st.lists(st.builds(Answer, st.sampled_from(Reply), st.none() | st.integers(-5, 1 << 32)), max_size=80), MTUS)
def test_whatever_is_answered(answers: list[Answer], top: int) -> None:
    """Answers that contradict each other are no reason to go on for ever, or to leave the sizes that there are."""
    search = Search(top)
    for answer in answers:
        size = search.next_size()
        if size is None:
            break
        assert SMALLEST <= size <= max(top, SMALLEST)
        search.answer(size, answer)
    found = search.found
    assert found.probes <= MOST_PROBES
    assert found.largest is None or SMALLEST <= found.largest <= max(top, SMALLEST)
    if found.silent_from is not None and found.silent_to is not None:
        assert found.silent_from <= found.silent_to


@given(st.integers(1290, 1490), st.integers(1, 100))
def test_a_hole_below_what_the_node_itself_cuts(swallowed_above: int, more: int) -> None:
    """Where nobody says what fits, both borders are found by halves."""
    cut_above = min(swallowed_above + more, TOP)

    def path(size: int) -> Answer:
        if size > cut_above:
            return Answer(Reply.TOO_BIG)
        return Answer(Reply.SILENT if size > swallowed_above else Reply.FITS)

    search = Search(TOP)
    while (size := search.next_size()) is not None:
        search.answer(size, path(size))
    found = search.found
    assert (found.largest, found.silent_from) == (swallowed_above, swallowed_above + 1)
    assert found.silent_to == cut_above or found.probes == MOST_PROBES
    assert found.is_exact
