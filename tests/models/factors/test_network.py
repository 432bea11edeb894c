"""The pairs of roles and the places of partners."""

from docksieve.models.factors.network import pairs_of, partner


def test_pairs_and_partners() -> None:
    assert pairs_of(3) == [(0, 1), (0, 2), (1, 2)]
    assert [partner(1, other) for other in (0, 2)] == [0, 1]
    assert [partner(0, other) for other in (1, 2)] == [0, 1]
