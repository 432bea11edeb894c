"""The report: one page that needs nothing else, whose numbers are those of the files and add up."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from docksieve.data.libraries.build import build_library
from docksieve.data.receipts import Receipt, read_receipt
from docksieve.data.store import read_json, read_table, write_json, write_table
from docksieve.workflows.campaign.campaign import Campaign, open_campaign
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.report.facts import read_facts
from docksieve.workflows.report.report import contents_of, write_report
from docksieve.workflows.running.observer import Silent
from docksieve.workflows.running.submit import submit
from rich.text import Text

VOID = {"meta", "br", "hr", "img", "input", "link"}
FETCHING = {"src", "srcset", "data", "action", "formaction", "poster", "background", "xlink:href"}


class Page(HTMLParser):
    """What a browser would make of the page: elements, texts, and whether it is well formed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if not {"style", "script"} & set(self.open[-1:]):
            self.text.append(data)

    def of(self, tag: str, class_: str | None = None) -> list[dict[str, str | None]]:
        return [
            a
            for name, a in self.elements
            if name == tag and class_ in (None, *(a.get("class") or "").split())
        ]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


def parsed(path: Path) -> Page:
    page = Page(path.read_text(encoding="utf-8"))
    assert not page.open, f"never closed: {page.open}"
    return page


@pytest.fixture(scope="module")
def finished(campaign_text: str, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    folder = tmp_path_factory.mktemp("reported")
    (folder / "campaign.toml").write_text(campaign_text)
    return submit(folder / "campaign.toml", "inline")


@pytest.fixture
def copied(finished: Campaign, tmp_path: Path) -> Path:
    """A copy of the finished campaign that a test may spoil."""
    return Path(shutil.copytree(finished.root, tmp_path / "copy"))


@pytest.fixture(scope="module")
def written(finished: Campaign) -> tuple[Path, str]:
    return write_report(finished.root)


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


def test_every_sum_of_the_funnel_holds_and_matches_the_files(finished: Campaign) -> None:
    contents = contents_of(read_facts(finished))
    assert contents.problems == []
    by_title = {target: {item.title: item for item in found} for target, found in contents.passages.items()}
    for found in by_title.values():
        assert found["Seed sample"].before == ("library", 400)
        assert found["Seed sample"].after == ("seed sample", 60)
        assert found["Round 1: screen"].before == ("library", 400)
        assert found["Round 1: screen"].after[1] == 80 + 60  # a fifth of the library, and room for the docked
        assert found["Round 1: acquisition"].after == ("acquired", 15)
        assert found["All dockings"].before == ("chosen for docking", 90)
        assert found["Hits"].before[1] == found["Hits"].after[1]
    scored = {target: found["All dockings"].after[1] for target, found in by_title.items()}
    table = read_table(finished.root / "hits" / "hits.parquet")
    assert {t: table.filter(pa.compute.equal(table["target"], t)).num_rows for t in scored} == scored
    assert [item.title for item in contents.building] == ["Reading", "Library"]
    assert contents.building[0].before == ("input lines", 400)


def test_shortlisting_for_another_target_is_accounted_for(finished: Campaign) -> None:
    facts = read_facts(finished)
    (ranked,) = facts.finished("round-01/rank")
    found = {item.title: item for item in contents_of(facts).passages["A"]}["Round 1: acquisition"]
    gained = [change.count for change in found.changes if change.label == "shortlisted for another target"]
    assert sum(gained) == ranked.rows_out - (80 + 60)
    docked = set(facts.docked("round-00", "A").rows.tolist())
    refined = {int(row) for rows, _ in facts.refined("round-01", "A") for row in rows}
    again = [-change.count for change in found.changes if change.label == "docked in an earlier round"]
    assert sum(again) == len(docked & refined)


def test_failed_dockings_are_named_and_counted(finished: Campaign, written: tuple[Path, str]) -> None:
    facts = read_facts(finished)
    lost = sum(facts.docked(group, "A").failures["not_in_table"] for group in facts.groups())
    assert lost == sum(
        facts.docked(group, "A").tried - len(facts.docked(group, "A").scores) for group in facts.groups()
    )
    everything = {item.title: item for item in contents_of(facts).passages["A"]}["All dockings"]
    counts = {change.label: -change.count for change in everything.changes}
    assert counts.get("failed: not in table", 0) == lost
    if lost:
        assert "The score table does not hold this molecule." in parsed(written[0]).words


def test_a_lost_score_turns_the_report_red(copied: Path) -> None:
    facts = read_facts(open_campaign(copied))
    path, _ = facts.outputs("round-01/dock", "scores/round-01/A/")[0]
    table = read_table(path)
    write_table(path, table.slice(1))
    page_path, summary = write_report(copied)
    page = parsed(page_path)
    assert len(page.of("table", "off")) == 2  # the round's docking, and all dockings
    assert "These numbers do not add up." in page.words
    assert "Round 1: docking: 15 acquired and the changes listed come to 15, but there are 14" in page.words
    assert "The final list has" in summary and "[bold red]" in summary


@pytest.mark.parametrize(
    ("task", "key", "said"),
    [
        ("round-02/screen", "molecules", "molecules screened and 0 are left, of 400"),
        ("round-01/dock/A/batch-00000", "failed", "failures, the receipts"),
        ("round-01/screen", "unpredictable", "Round 1: screen"),
        ("final/hits", "", "The final list has"),
        ("round-02/acquire", "chosen", "molecules were acquired"),
    ],
)
def test_numbers_that_contradict_each_other_turn_the_report_red(
    copied: Path, task: str, key: str, said: str
) -> None:
    path = copied / "receipts" / f"{task}.json"
    path = next(path.with_suffix("").glob("*.json")) if not path.exists() else path
    value = read_json(path)
    if key == "chosen":
        value["facts"]["A"]["chosen"] += 1
    elif key:
        value["counts"][key] += 1
    else:
        value["rows_out"] += 1
    write_json(path, value)
    page_path, summary = write_report(copied)
    page = parsed(page_path)
    assert "These numbers do not add up" in page.words and said in page.words
    assert page.of("div", "wrong") and summary.count("[bold red]") >= 1


def test_a_passage_that_does_not_add_up_says_so() -> None:
    from docksieve.workflows.report.funnel import Change, passage
    from docksieve.workflows.report.target_sections import funnel

    good = passage("Good", ("lines", 10), ("molecules", 7), Change("blank", -3), Change("none", 0))
    bad = passage("Bad", ("lines", 10), ("molecules", 7), Change("blank", -2))
    assert good.problem == "" and [change.label for change in good.changes] == ["blank"]
    assert "come to 8, but there are 7 molecules" in bad.problem
    drawn = Page(funnel([good, bad]))
    assert len(drawn.of("table", "off")) == 1
    assert "These numbers do not add up." in drawn.words


def test_the_best_molecules_are_those_of_hits_with_scores_apart(
    finished: Campaign, written: tuple[Path, str]
) -> None:
    page = parsed(written[0])
    cards = page.of("article", "card")
    wanted = hits(finished, top=60).to_pylist()
    assert [card["data-name"] for card in cards] == [row["id"] for row in wanted]
    for card, row in zip(cards, wanted, strict=True):
        assert float(card["data-dockedscore"] or "nan") == pytest.approx(row["docked_score"])
        assert float(card["data-weight"] or "nan") == pytest.approx(row["weight"], rel=1e-6)
    assert len(page.of("svg", "mol")) == len(cards)
    assert len(page.of("select")) == 2


def test_predictions_on_cards_were_made_before_docking_or_say_so(finished: Campaign) -> None:
    from docksieve.workflows.report.cards import prediction_shown

    facts = read_facts(finished)
    chosen = facts.chosen("round-01", "A").to_pylist()[0]
    row = {
        "row": chosen["row"],
        "predicted_mean": -1.0,
        "predicted_spread": 0.5,
        "predicted_round": 2,
        "docked_round": 1,
    }
    made = {chosen["row"]: (chosen["mean"], chosen["spread"], 1)}
    assert prediction_shown(row, made) == (chosen["mean"], chosen["spread"], "round 1, before docking")
    assert prediction_shown(row, {}) == (-1.0, 0.5, "round 2, after docking")
    assert prediction_shown({**row, "predicted_mean": None}, {}) == (None, None, "")


def test_the_honest_test_uses_the_predictions_that_chose_the_molecules(finished: Campaign) -> None:
    facts = read_facts(finished)
    test = contents_of(facts).findings["A"].honest
    assert test is not None
    errors = []
    for group in ("round-01", "round-02"):
        scores = {r["row"]: r["score"] for r in facts.docked(group, "A").table.to_pylist()}
        for path in (finished.root / "selections" / group / "A").glob("*.parquet"):
            rows = read_table(path).to_pylist()
            errors += [scores[r["row"]] - r["mean"] for r in rows if scores[r["row"]] is not None]
    assert test.molecules == len(errors)
    assert test.rmse.value == pytest.approx(float(np.sqrt(np.mean(np.square(errors)))))
    assert test.bias.value == pytest.approx(float(np.mean(errors)))
    assert test.rmse.low <= test.rmse.value <= test.rmse.high


def test_what_was_missed_is_told_where_a_table_knows_all_scores(finished: Campaign) -> None:
    facts = read_facts(finished)
    for target, sign in (("A", 1), ("B", -1)):
        found = contents_of(facts).findings[target].retrospect
        assert found is not None and found.best == 4 and found.scored == 395
        folder = finished.library_path.parent
        lines = (folder / f"{target.lower()}.csv").read_text().splitlines()[1:]
        truth = sorted(sign * float(line.rsplit(",", 1)[1]) for line in lines)[:4]
        docked = sorted(sign * s for group in facts.groups() for s in facts.docked(group, target).scores)
        missing = list(truth)
        for score in docked:
            if score in missing:
                missing.remove(score)
        assert found.by_score == pytest.approx(1 - len(missing) / 4)


def test_the_summary_is_text_that_a_terminal_can_print(written: tuple[Path, str]) -> None:
    text = Text.from_markup(written[1]).plain
    assert text.startswith("small: complete")
    assert "A: 90 dockings of screened molecules" in text
    assert "4.4 times fewer than the 400 of the library" in text
    assert "raise [rounds] count" in text
    text.encode("ascii")


class Interrupting(Silent):
    """Interrupts the driver in the middle of the first round's docking."""

    def task_ended(self, stage: str, receipt: Receipt) -> None:
        if stage == "round-01/dock":
            raise KeyboardInterrupt


def test_an_interrupted_campaign_says_what_is_missing(
    make_campaign: Callable[..., Path], tmp_path: Path
) -> None:
    file = make_campaign()
    with pytest.raises(KeyboardInterrupt):
        submit(file, "inline", Interrupting())
    path, summary = write_report(file, tmp_path / "elsewhere" / "mine.html")
    assert path == tmp_path / "elsewhere" / "mine.html"
    page = parsed(path)
    assert "The campaign is stopped" in page.words
    assert "round-01/dock: 1 of 4 tasks done" in page.words
    assert "not begun: round-02/train" in page.words
    assert "do not add up" not in page.words
    facts = read_facts(open_campaign(file))
    found = {item.title: item for item in contents_of(facts).passages["A"]}["Round 1: docking"]
    assert [(c.label, c.count) for c in found.changes if c.label == "not docked yet"] == [
        ("not docked yet", -7)
    ]
    assert f"docksieve submit {file}" in Text.from_markup(summary).plain


@pytest.mark.parametrize(
    "after", ["round-00/sample", "round-00/dock", "round-01/train", "round-01/screen", "round-01/rank"]
)
def test_a_report_can_be_written_at_any_moment(copied: Path, after: str) -> None:
    """Whatever comes after a stage is taken away, as if the campaign had only come so far."""
    from docksieve.workflows.campaign.ledger import Ledger

    stages = Ledger(copied).stages()
    for stage in stages[stages.index(after) + 1 :]:
        (copied / "plan" / f"{stage.replace('/', '.')}.json").unlink()
        shutil.rmtree(copied / "receipts" / stage, ignore_errors=True)
        (copied / "receipts" / f"{stage}.json").unlink(missing_ok=True)
    page = parsed(write_report(copied)[0])
    assert "do not add up" not in page.words
    assert "Still missing" in page.words


def test_a_campaign_that_has_just_begun_has_a_report(copied: Path) -> None:
    shutil.rmtree(copied / "plan")
    page = parsed(write_report(copied)[0])
    assert "nothing is docked yet" in page.words
    assert "do not add up" not in page.words


def test_a_failed_task_is_reported_with_its_message(copied: Path) -> None:
    receipt = read_receipt(copied, "round-02/distil")
    assert receipt is not None
    value = receipt.to_json()
    value["failure"] = {"code": "X", "message": "a <b>bad</b> day [red]", "retryable": False, "traceback": ""}
    write_json(copied / "receipts" / "round-02" / "distil.json", value)
    path, summary = write_report(copied)
    assert "round-02/distil: a <b>bad</b> day [red]" in parsed(path).words
    assert "<b>bad" not in path.read_text()
    assert "a <b>bad</b> day [red]" in Text.from_markup(summary).plain


def test_a_library_that_was_moved_does_not_stop_the_report(
    make_campaign: Callable[..., Path], small_inputs: Path
) -> None:
    home = make_campaign().parent
    shutil.copytree(small_inputs / "library", home / "mine")
    file = make_campaign((str(small_inputs / "library"), "mine"), ("count = 2", "count = 0"))
    campaign = submit(file, "inline")
    (home / "mine").rename(home / "gone")
    page = parsed(write_report(campaign.root)[0])
    assert "There is no library" in page.words
    assert "do not add up" not in page.words


def test_a_campaign_that_goes_on_meanwhile_does_not_look_wrong(copied: Path) -> None:
    """The facts are those of one moment, whatever is written (here: taken away) while they are read."""
    facts = read_facts(open_campaign(copied))
    for path in (copied / "receipts" / "round-02").rglob("*.json"):
        path.unlink()
    (copied / "plan" / "round-02.dock.json").unlink()
    contents = contents_of(facts)
    assert contents.problems == []
    assert "Round 2: docking" in [item.title for item in contents.passages["A"]]


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


def test_provenance_names_models_seeds_and_files(finished: Campaign, written: tuple[Path, str]) -> None:
    words = parsed(written[0]).words
    for name in ("round-01/train", "round-02/distil"):
        receipt = read_receipt(finished.root, name)
        assert receipt is not None and receipt.facts["model"] in words
    assert finished.state["library"]["fingerprint"] in words
    assert "Campaign file" in words and "dock_batch = 8" in words
    assert finished.targets["A"]["scores_sha256"] in words
    assert f"docksieve retrain {finished.root} --scores new.csv --target A" in words
