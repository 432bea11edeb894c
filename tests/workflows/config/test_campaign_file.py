"""The campaign file: what is accepted, and what each mistake is answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from docksieve.data.errors import ConfigError
from docksieve.models.settings import StudentSettings
from docksieve.workflows.config.campaign_file import default_seed, parse_config, read_config
from docksieve.workflows.config.template import campaign_template

GOOD = """\
[campaign]
name = "screen"

[library]
path = "library"

[targets.EGFR]
engine = "vina"
receptor = "dockstring:EGFR"

[rounds]
count = 3
"""


def test_a_short_file_gets_defaults() -> None:
    config = parse_config(GOOD, "campaign.toml")
    assert config.rounds.count == 3
    assert config.rounds.acquisition == "greedy"
    assert (config.teacher.focus, config.teacher.drop_failures) == ("auto", True)
    assert config.targets["EGFR"].engine == "vina"


def test_the_seed_follows_from_the_names_of_campaign_and_targets_where_none_is_given() -> None:
    first = parse_config(GOOD, "campaign.toml").campaign.seed
    assert first == default_seed("screen", ["EGFR"]) != 1
    assert parse_config(GOOD, "elsewhere.toml").campaign.seed == first
    others = [GOOD.replace("EGFR", "JAK2"), GOOD.replace('"screen"', '"second"')]
    assert len({first, *(parse_config(text, "c.toml").campaign.seed for text in others)}) == 3
    given = GOOD.replace('name = "screen"', 'name = "screen"\nseed = 1')
    assert parse_config(given, "campaign.toml").campaign.seed == 1


def test_the_template_is_a_valid_campaign_that_states_the_defaults() -> None:
    text = campaign_template("screen", "library", "campaign.toml", "dockstring:EGFR", "EGFR")
    config = parse_config(text, "campaign.toml")
    short = GOOD.replace("count = 3\n", "").replace("[rounds]", "box_size = 22.0\n[rounds]")
    bare = parse_config(short, "campaign.toml")
    assert config == bare


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("count = 3", "cuont = 3", ["line 12", "[rounds]", "'cuont'", "'count'"]),
        ("count = 3", "count = -1", ["line 12", "[rounds] count", "-1"]),
        ("count = 3", 'count = "many"', ["line 12", "[rounds] count", "'many'"]),
        ("[rounds]", "[ronuds]", ["line 11", "'ronuds'", "'rounds'"]),
        ('name = "screen"', 'name = "a/b"', ["line 2", "name", "a/b"]),
        ('[library]\npath = "library"\n', "", ["section [library]", "missing"]),
        ('path = "library"', "", ["line 4", "path", "missing"]),
        (
            'engine = "vina"',
            'engine = "wina"',
            ["line 8", "engine must be vina, command or table", "'vina'?"],
        ),
        ('engine = "vina"', "", ["line 7: [targets.EGFR] engine is missing: vina, command or table."]),
        ('receptor = "dockstring:EGFR"', 'receptro = "x"', ["line 9", "'receptro'", "'receptor'"]),
        ("[targets.EGFR]", '[targets."a b"]', ["'a b'", "letters"]),
        ("count = 3", 'acquisition = "gredy"', ["line 12", "gredy", "greedy"]),
    ],
)
def test_mistakes_are_named_with_their_line(old: str, new: str, said: list[str]) -> None:
    assert old in GOOD
    with pytest.raises(ConfigError) as caught:
        parse_config(GOOD.replace(old, new), "campaign.toml")
    for word in said:
        assert word in str(caught.value), f"{word!r} not in {caught.value}"


def test_wrong_settings_of_a_room_are_named(tmp_path: Path) -> None:
    text = GOOD + "\n[student]\nwidth = 100\n"
    with pytest.raises(ConfigError, match=r"line 15: \[student\] student.width"):
        parse_config(text, "campaign.toml")


VINA = 'engine = "vina"\nreceptor = "x.pdbqt"\n'
TABLE = 'engine = "table"\nscores = "x.csv"\nunit = "au"\nlower_is_better = true\n'


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (
            VINA + 'scores = "y.csv"',
            "line 9: [targets.A] has no key 'scores'. It belongs to engine table, and this target's engine is "
            "vina.",
        ),
        (VINA + "scorin = 1", "line 9: [targets.A] has no key 'scorin'. Did you mean 'scoring'?"),
        (
            TABLE + "wibble = 1",
            "line 11: [targets.A] has no key 'wibble'. Known keys: scores, unit, lower_is_better, engine, "
            "smiles_column, id_column, score_column, header, delimiter, match, duplicates.",
        ),
        (
            VINA + 'search = "fastt"',
            "line 9: [targets.A] search must be fast, balanced, thorough, standard or a table of settings "
            "(given: 'fastt'). Did you mean 'fast'?",
        ),
        (
            VINA + "search = 5",
            "line 9: [targets.A] search must be fast, balanced, thorough, standard or a table of settings "
            "(given: 5).",
        ),
        (
            VINA + "search = { exhaustivenes = 9 }",
            "line 9: [targets.A.search] has no key 'exhaustivenes'. Did you mean 'exhaustiveness'?",
        ),
        (
            VINA + "search = { exhaustiveness = 0 }",
            "line 9: [targets.A.search] exhaustiveness: between 1 and 4096.",
        ),
        (
            VINA + "box = { center = [1, 2], size = [20, 20, 20] }",
            "line 9: [targets.A.box] center must be a list of 3 numbers (given: [1, 2]).",
        ),
        (
            VINA + "box = { center = [1, 2, 3], size = [20, 20, -1] }",
            "line 9: [targets.A.box] box size: sides are between 1 and 126 angstrom, got (20.0, 20.0, -1.0).",
        ),
        (VINA + "box = 3", "line 9: [targets.A] box must be a table of settings or text (given: 3)."),
        (
            VINA + 'box_size = "a"',
            "line 9: [targets.A] box_size must be a number or a list of 3 numbers (given: 'a').",
        ),
        (
            TABLE + "score_column = 1.5",
            "line 11: [targets.A] score_column must be text or a whole number (given: 1.5).",
        ),
        (
            VINA + "[targets.A.ligand]\nstereoisomer = 4",
            "line 10: [targets.A.ligand] has no key 'stereoisomer'. Did you mean 'stereoisomers'?",
        ),
        (
            VINA + "[teacher.kernel]\nfoo = 3",
            "line 10: [teacher.kernel] has no key 'foo'. Known keys: max_exact, inducing, selection_rows.",
        ),
        (
            VINA + '[teacher.fingerprints]\nkinds = ["morgan9"]',
            "line 10: [teacher.fingerprints] kinds must be a list of any of morgan1, morgan2, morgan3, pair, torsion "
            "(given: ['morgan9']).",
        ),
        (
            VINA + '[start]\nmethod = "randm"',
            "line 10: [start] method must be random or diverse (given: 'randm'). Did you mean 'random'?",
        ),
        (VINA + "[rounds]\nkeep = 2", "line 10: [rounds] keep must be less than or equal to 1 (given: 2)."),
        (VINA + '[rounds]\nkeep = "all"', "line 10: [rounds] keep must be a number or auto (given: 'all')."),
    ],
)
def test_each_mistake_gets_one_answer_in_plain_words(target: str, said: str) -> None:
    text = f'[campaign]\nname = "s"\n[library]\npath = "l"\n\n[targets.A]\n{target}\n'
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "c.toml")
    assert str(caught.value) == f"c.toml, {said}"


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ("", "line 5: [targets] names no target: a section [targets.NAME] is needed."),
        (
            'engine = "vina"\n',
            "line 6: [targets] engine must be a table of settings (given: 'vina'). "
            "A target's keys stand in a section of its own, [targets.NAME].",
        ),
    ],
)
def test_targets_without_a_name_are_explained(targets: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(f'[campaign]\nname = "s"\n[library]\npath = "l"\n[targets]\n{targets}', "c.toml")
    assert str(caught.value) == f"c.toml, {said}"


def test_not_toml_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not valid TOML"):
        parse_config("[campaign\n", "campaign.toml")
    with pytest.raises(ConfigError, match=r"does not exist.*docksieve init"):
        read_config(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "binary.toml")


@pytest.mark.parametrize(("size", "width"), [("tiny", 32), ("default", 128), ("wide", 512)])
def test_a_student_can_be_named_by_its_size(size: str, width: int) -> None:
    student = parse_config(GOOD + f'[student]\nsize = "{size}"\nepochs = 3\n', "c.toml").student
    assert (student.width, student.epochs) == (width, 3)
    assert student == replace(StudentSettings.named(size), epochs=3)  # type: ignore[arg-type]
    assert parse_config(GOOD + f'[student]\nsize = "{size}"\nwidth = 64\n', "c.toml").student.width == 64


def test_an_unknown_size_names_its_line() -> None:
    with pytest.raises(
        ConfigError, match=r"line 13: \[student\] size 'huge' is not one of tiny, default, wide"
    ):
        parse_config(GOOD + '[student]\nsize = "huge"\n', "c.toml")
