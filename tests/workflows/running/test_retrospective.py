"""A whole campaign on published scores: how much of the true best does the cascade find?"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from docksieve.data.libraries.build import build_library
from docksieve.data.molecules.standardise import standard_smiles
from docksieve.screening.metrics.virtual_screening import top_k_found
from docksieve.workflows.hits.ask import hits
from docksieve.workflows.report.report import write_report
from docksieve.workflows.running.submit import submit

pytestmark = [pytest.mark.slow, pytest.mark.shared]

CAMPAIGN = """\
[campaign]
name = "enamine10k"
seed = 3

[library]
path = "library"

[targets.4UNN]
engine = "table"
scores = "{scores}"
unit = "kcal/mol"
lower_is_better = true

[start]
molecules = 106        # 1 % of the library, at random
sealed = 0.0

[rounds]
count = 5              # and five times 1 % by prediction
labels = 3000
keep = 0.3
dock = 106

[final]
molecules = 0

[run]
dock_batch = 106
"""


def test_six_percent_docked_finds_most_of_the_top_hundred(shared_data: Path, tmp_path: Path) -> None:
    """MolPAL's protocol on Enamine 10k; its best model finds 67.0 +- 3.0 % of the top 100 scores."""
    scores = shared_data / "scores" / "molpal_enamine10k_scores_4unn_vina.csv.gz"
    library = build_library(
        tmp_path / "library",
        [shared_data / "libraries" / "molpal_enamine10k_library.csv.gz"],
        progress=False,
        workers=1,
    )
    (tmp_path / "campaign.toml").write_text(CAMPAIGN.format(scores=scores))
    campaign = submit(tmp_path / "campaign.toml", "local")
    with gzip.open(scores, "rt") as handle:
        table = {row["smiles"]: float(row["score"]) for row in csv.DictReader(handle) if row["score"]}
    rows = library.find_smiles([standard_smiles(smiles) for smiles in table])
    assert (rows >= 0).mean() > 0.999
    truth = np.full(library.rows, np.nan)
    truth[rows[rows >= 0]] = np.array(list(table.values()))[rows >= 0]
    docked = hits(campaign, top=None)["row"].to_numpy()
    assert len(docked) <= 6 * 106
    found = top_k_found(truth, docked, 100, lower_is_better=True)
    print(
        f"found of the top 100: {found['scores']:.1%} of the scores, {found['molecules']:.1%} of the molecules"
    )
    assert found["scores"] > 0.70
    _, summary = write_report(campaign.root, None)
    assert "what was missed is known too" in " ".join(summary.split())
