"""The report's page needs nothing else, fetches nothing, and shows hostile texts as texts."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from docksieve.data.libraries.build import build_library
from docksieve.workflows.campaign.campaign import Campaign
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.report.report import write_report
from docksieve.workflows.running.submit import submit
from rich.text import Text

from .pages import FETCHING, parsed


def test_it_is_one_file_beside_the_campaign_and_well_formed(
    finished: Campaign, written: tuple[Path, str]
) -> None:
    path, _ = written
    assert path == finished.root / "report.html"
    page = parsed(path)
    assert [a["lang"] for a in page.of("html")] == ["en"]
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    links = [a["href"] for a in page.of("a")]
    assert links and all(link[1:] in ids for link in links if link)


def test_nothing_is_fetched_from_anywhere(written: tuple[Path, str]) -> None:
    page = parsed(written[0])
    assert not [
        tag for tag, _ in page.elements if tag in ("link", "img", "iframe", "object", "embed", "base", "use")
    ]
    for tag, attributes in page.elements:
        assert not FETCHING & set(attributes), f"<{tag}> {attributes}"
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    (policy,) = [a["content"] for a in page.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None and "default-src 'none'" in policy and "http" not in policy
    source = written[0].read_text()
    (style,) = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    assert "url(" not in style and "@import" not in style and "http" not in style
    assert "http" not in source.replace("http-equiv", "")


def test_the_policy_allows_exactly_the_script_in_the_page(written: tuple[Path, str]) -> None:
    import base64
    import hashlib

    source = written[0].read_text()
    (script,) = re.findall(r"<script>(.*?)</script>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in html.unescape(source)


@pytest.mark.slow
def test_many_targets_have_a_table_and_a_section_each(make_campaign: Callable[..., Path]) -> None:
    text = make_campaign().read_text()
    section = text[text.index("[targets.A]") : text.index("[targets.B]")]
    more = "".join(section.replace("targets.A", f"targets.{name}") for name in ("C", "D"))
    file = make_campaign(("[targets.B]", f"{more}[targets.B]"), ("count = 2", "count = 0"))
    page = parsed(write_report(submit(file, "inline").root)[0])
    assert [a["id"] for a in page.of("section") if (a["id"] or "").startswith("target-")] == [
        f"target-{index}" for index in range(4)
    ]
    assert "Targets target dockings failed times fewer" in page.words
    assert len(page.of("select")) == 4


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img/src=x/onerror=alert(2)>',
    "'onmouseover='alert(3)",
    "&lt;b&gt;&amp;",
    "</style></title></svg><!--",
    "]]>[/bold][red]x[/red]",
    "\u202eevil\u202c",
    "{{7*7}}${x}",
    "a\x07b",
]


def test_hostile_ids_are_only_text(make_campaign: Callable[..., Path]) -> None:
    from docksieve.data.libraries.settings import IngestSettings

    home = make_campaign().parent
    smiles = [
        f"O=C({acyl})NCc1ccccc1" for acyl in ("C", "CC", "CCC", "C1CC1", "c1ccccc1", "c1ccco1", "c1ccsc1")
    ]
    smiles += [
        f"O=C({acyl})N1CCOCC1" for acyl in ("C", "CC", "CCC", "C1CC1", "c1ccccc1", "c1ccco1", "c1ccsc1")
    ]
    names = [HOSTILE[index % len(HOSTILE)] for index in range(len(smiles))]
    (home / "hostile.smi").write_text("".join(f"{s}\t{n}\n" for s, n in zip(smiles, names, strict=True)))
    scores = "\n".join(f"{text},{-5 - index / 10}" for index, text in enumerate(smiles))
    (home / "scores.csv").write_text(f"smiles,score\n{scores}\n")
    build_library(home / "hostile", [home / "hostile.smi"], IngestSettings(), workers=1, progress=False)
    file = home / "hostile.toml"
    file.write_text(
        '[campaign]\nname = "hostile-ids"\n[library]\npath = "hostile"\n'
        '[targets.T]\nengine = "table"\nscores = "scores.csv"\nunit = "<i>kcal</i>/mol"\nlower_is_better = true\n'
        "[start]\nmolecules = 14\n[rounds]\ncount = 0\n"
    )
    path, summary = write_report(submit(file, "inline").root)
    page = parsed(path)
    assert not [a for tag, a in page.elements if tag in ("img", "i", "b") and a]
    assert len(page.of("script")) == 1
    kept = {row["id"] for row in hits(file).to_pylist()}
    assert {name for name in HOSTILE if name in kept} >= {HOSTILE[0], HOSTILE[4]}
    cards = page.of("article", "card")
    assert {card["data-name"] for card in cards} == {name.replace("\x07", "\ufffd") for name in kept}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
    best = hits(file, top=1).to_pylist()[0]["id"]
    assert best.replace("\x07", "") in Text.from_markup(summary).plain.replace("\x07", "")


def test_tables_and_drawings_can_be_read_without_seeing_them(written: tuple[Path, str]) -> None:
    page = parsed(written[0])
    tables, captions = page.of("table"), page.of("caption")
    assert tables and len(tables) == len(captions)
    assert all(a.get("scope") in ("row", "col") for a in page.of("th"))
    charts = page.of("svg", "chart")
    assert len(charts) >= 2 * 4 + 2
    assert all(a.get("role") == "img" and a.get("aria-label") for a in charts)
    assert all(a.get("aria-hidden") == "true" for a in page.of("svg", "mol"))
