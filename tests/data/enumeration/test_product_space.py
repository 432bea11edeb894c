"""Reaction files: a value of the wrong kind is one sentence that names file and reaction."""

from __future__ import annotations

from pathlib import Path

import pytest
from docksieve.data.enumeration.product_space import load_reactions
from docksieve.data.errors import InputError

WHOLE = """\
[[reaction]]
name = "amide"
title = "Amide"
smarts = "[C:1]O.[N:2]>>[C:1][N:2]"
roles = ["acid", "amine"]
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "amide"', "name = []"),
        ('title = "Amide"', "title = 7"),
        ('roles = ["acid", "amine"]', 'roles = "acid"'),
        ('roles = ["acid", "amine"]', "roles = [1, 2]"),
        ("[[reaction]]", "[reaction]"),
    ],
)
def test_values_of_the_wrong_kind_are_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "reactions.toml"
    path.write_text(WHOLE)
    assert list(load_reactions(path)) == ["amide"]
    path.write_text(WHOLE.replace(old, new))
    with pytest.raises(InputError, match=r"reactions\.toml"):
        load_reactions(path)
