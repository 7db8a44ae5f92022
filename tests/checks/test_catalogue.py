"""Every condition of the catalogue has a check, or a reason why none can look for it."""

import re

import pytest
from given import areas
from not_checked import CATALOGUE, DONE, NOT_CHECKED

from mipsh.checks.check import Check
from mipsh.checks.sources import COSTS, PLACES, Key

KNOWN = {id_ for ids in CATALOGUE.values() for id_ in ids}
CHECKS = [check for area in areas() for check in area.checks]
IDS = [check.id for check in CHECKS]


def test_the_catalogue_is_whole() -> None:
    """As many ids as it has, each once."""
    assert len(KNOWN) == sum(map(len, CATALOGUE.values())) == 117
    assert set(CATALOGUE) >= DONE


@pytest.mark.parametrize("part", CATALOGUE)
def test_every_id_of_a_part_that_is_done_has_a_check_or_a_reason(part: str) -> None:
    """Not both, and no reason that puts it off."""
    left = [id_ for id_ in CATALOGUE[part] if (id_ in IDS) == (id_ in NOT_CHECKED)]
    assert part not in DONE or not left


def test_reasons_are_reasons() -> None:
    """Sentences about ids that there are."""
    assert set(NOT_CHECKED) <= KNOWN - set(IDS)
    for id_, reason in NOT_CHECKED.items():
        assert len(reason.split()) > 3, id_
        assert not re.search("not (yet )?(implemented|done)|later|to do", reason, re.IGNORECASE), id_


def test_an_id_is_there_once() -> None:
    """Over all areas, since an id is how a check is named."""
    assert len(set(IDS)) == len(IDS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_says_what_people_need(check: Check) -> None:
    """An id of the usual form, a title on a line, a severity, an explanation; what explains it is there."""
    about = check.about
    assert re.fullmatch(r"(MIP-\d{3}|OPT-\d\d|[A-Z]+-\d+)", check.id)
    assert check.id in KNOWN or not check.id.startswith(("MIP-", "OPT-"))
    assert about.title == about.title.strip()
    assert 10 < len(about.title) < 100
    assert "\n" not in about.title
    assert len(check.explanation.split()) > 3
    assert set(about.roles) <= {"mn", "ha", "cn"}
    assert check.id not in about.explained_by
    assert set(about.explained_by) <= KNOWN | set(IDS)
    assert not about.windowed or about.needs or about.watches


def test_every_key_has_a_place_and_a_cost() -> None:
    """So that it can be explained, and put in order."""
    assert PLACES.keys() == COSTS.keys() == set(Key)
