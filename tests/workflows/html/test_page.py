"""Pages that stand alone: texts escaped, the one script allowed by its hash, colours for day and night."""

from __future__ import annotations

import base64
import hashlib
import re

from docksieve.workflows.html.colours import COLOURS
from docksieve.workflows.html.page import (
    code,
    contents,
    details,
    figure,
    page,
    pairs,
    paragraph,
    section,
    table,
    tag,
    together,
)
from docksieve.workflows.html.script import SCRIPT
from docksieve.workflows.html.style import STYLE

NASTY = "<b>&\"'"
SAFE = "&lt;b&gt;&amp;&quot;&#x27;"


def test_a_page_allows_its_own_script_and_nothing_else() -> None:
    text = page(NASTY, ["<p>one</p>", "<p>two</p>"])
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
        in text
    )
    assert f"<title>{SAFE}</title>" in text and "<p>one</p>\n<p>two</p>" in text
    assert text.count("<script>") == 1 and "</script" not in SCRIPT
    assert text.startswith('<!doctype html>\n<html lang="en">')


def test_neither_style_nor_script_asks_for_anything() -> None:
    for text in (STYLE, SCRIPT, COLOURS):
        assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttpRequest|eval\(", text)


def test_every_colour_that_is_used_is_there_by_day_and_by_night() -> None:
    day, night = COLOURS.split("@media", 1)
    names = [set(re.findall(r"--([a-z0-9-]+):", part.split(".s0 {")[0])) for part in (day, night)]
    assert names[0] == names[1] and {f"s{number}" for number in range(8)} <= names[0]
    used = set(re.findall(r"var\(--([a-z0-9-]+)", STYLE + COLOURS)) - {"c"}
    assert used <= names[0]


def test_pieces_escape_their_texts() -> None:
    assert tag("td", "<i/>", "number", scope="row", for_=NASTY, aria_label="x") == (
        f'<td class="number" scope="row" for="{SAFE}" aria-label="x"><i/></td>'
    )
    assert paragraph(NASTY, "soft") == f'<p class="soft">{SAFE}</p>'
    assert section("a", NASTY, "<i/>") == f'<section id="a"><h2>{SAFE}</h2><i/></section>'
    assert details(NASTY, "<i/>") == f"<details><summary>{SAFE}</summary><i/></details>"
    assert code(NASTY) == f'<pre tabindex="0"><code>{SAFE}</code></pre>'
    assert pairs([("seed", 7), (NASTY, "x")]) == (
        f'<dl class="pairs"><div><dt>seed</dt><dd>7</dd></div><div><dt>{SAFE}</dt><dd>x</dd></div></dl>'
    )
    assert (
        figure("<svg/>", NASTY) == f"<figure><svg/><figcaption><strong>{SAFE}</strong></figcaption></figure>"
    )
    assert "<p>below</p>" in figure("<svg/>", "t", "below")


def test_tables_mark_numbers_and_wrap_words() -> None:
    text = table("Rates", ["name", "device", "rate"], [("a", "cpu", "1,000"), (NASTY, "gpu", 2)], left=2)
    assert "<caption>Rates</caption>" in text and 'aria-label="Rates"' in text
    assert '<th scope="row">a</th><td>cpu</td><td class="number">1,000</td>' in text
    assert f'<th scope="row">{SAFE}</th><td>gpu</td><td class="number">2</td>' in text
    assert '<th class="number" scope="col">rate</th>' in text and "words" not in text
    assert '<table class="words">' in table("Texts", ["a", "b"], [("x", "y")], left=2)


def test_contents_are_nested_links_with_texts_escaped() -> None:
    found = contents([("summary", "Summary", []), ("t", NASTY, [("t-best", "Best molecules")])])
    assert '<a href="#summary">Summary</a>' in found and SAFE in found and NASTY not in found
    assert found.count("<ol>") == 2 and '<ol><li><a href="#t-best">Best molecules</a></li></ol></li>' in found
    assert 'aria-label="Contents"' in found


def test_a_number_stays_with_its_unit_and_words_may_part() -> None:
    assert together("25 min 46 s") == "25\u00a0min 46\u00a0s"
    assert together("12 molecules, 3.1 %") == "12 molecules, 3.1\u00a0%"


def test_commands_in_backticks_are_code_and_stay_escaped() -> None:
    assert paragraph("Ask `docksieve <b>`.") == "<p>Ask <code>docksieve &lt;b&gt;</code>.</p>"
