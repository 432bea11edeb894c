"""``docs/sites.md`` knows every key with its default, every launcher and every preset."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
from docksieve.hpc.sites.pool import ACCELERATORS, AFFINITIES, LAUNCHERS, ROLES, Pool
from docksieve.hpc.sites.read import INHERITED, preset_names
from docksieve.hpc.sites.site import KINDS, Site


@pytest.fixture(scope="module")
def text(repository: Path) -> str:
    return (repository / "docs" / "sites.md").read_text()


def rows(text: str, heading: str) -> dict[str, tuple[str, bool]]:
    """Return default and star of every key in the table below ``heading``."""
    part = text.split(f"### {heading}\n")[1].split("\n#")[0]
    found = re.findall(r"^\| `(\w+)`( \*)? \| (.*?) \|", part, re.MULTILINE)
    return {key: (default, bool(star)) for key, star, default in found}


def written(value: object) -> str:
    """Return a default as the tables write it."""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f'`"{value}"`'
    return "`[]`" if value == () else str(value)


@pytest.mark.parametrize(
    ("of", "heading", "apart"),
    [(Site, "Keys of a site", {"name", "pools"}), (Pool, "Keys of a pool", {"name", "roles"})],
)
def test_every_key_stands_there_with_its_default(text: str, of: type, heading: str, apart: set[str]) -> None:
    table = rows(text, heading)
    known = {f.name: f for f in fields(of)}
    assert set(table) == (set(known) - {"pools"} if of is Site else set(known) - {"name"})
    for key, field in known.items():
        if key not in apart:
            assert field.default is not MISSING
            assert table[key][0] == written(field.default), key


def test_inherited_keys_are_starred(text: str) -> None:
    starred = {key for key, (_, star) in rows(text, "Keys of a pool").items() if star}
    assert starred == set(INHERITED)


def test_every_word_that_a_key_takes_is_named(text: str) -> None:
    for word in (*KINDS, *ROLES, *LAUNCHERS, *AFFINITIES, *filter(None, ACCELERATORS)):
        assert re.search(rf'[`"]{word}[`"]', text), word


def test_every_preset_is_named(text: str) -> None:
    assert [name for name in preset_names() if f"`{name}`" not in text] == []


def test_every_source_that_is_cited_is_there(text: str) -> None:
    table, _, sources = text.partition("Sources:\n")
    cited = {
        number for row in re.findall(r"\| ([\d, ]+) \|$", table, re.MULTILINE) for number in row.split(", ")
    }
    given = set(re.findall(r"^(\d+)\. \[.+\]\(https://", sources, re.MULTILINE))
    assert cited == given and len(given) > 20
