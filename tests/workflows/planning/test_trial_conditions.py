"""A plan draws its trial from what meets the conditions of the campaign, and says how much that is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from docksieve.data.errors import CampaignError, ConfigError
from docksieve.data.libraries.library import Library
from docksieve.workflows.config.campaign_file import parse_config
from docksieve.workflows.planning.plan import plan
from docksieve.workflows.planning.trial import Measured, _drawn


def config_with(text: str, conditions: str):
    return parse_config(text.replace("[targets.A]", f"{conditions}\n\n[targets.A]"), "campaign.toml")


def test_the_trial_is_of_what_meets_the_conditions(campaign_text: str, small_library: Library) -> None:
    measured = Measured()
    rows = _drawn(small_library, config_with(campaign_text, 'where = "donors = 0"'), measured)
    every = small_library.take(range(small_library.rows), ["donors"])["donors"].to_numpy()
    assert np.array_equal(rows, np.flatnonzero(every == 0)), "the library is smaller than a trial"
    assert measured.wanted == pytest.approx((every == 0).mean())
    plain = Measured()
    assert len(_drawn(small_library, config_with(campaign_text, ""), plain)) == small_library.rows
    assert (plain.wanted, plain.filter_seconds) == (1.0, 0.0)


def test_conditions_that_nothing_meets_end_a_plan_before_the_trial(
    campaign_text: str, small_library: Library, tmp_path: Path
) -> None:
    with pytest.raises(CampaignError, match=r"None of 400 molecules .*weight < 10"):
        _drawn(small_library, config_with(campaign_text, 'where = "weight < 10"'), Measured())
    wrong = campaign_text.replace("[targets.A]", 'where = "wieght < 10"\n\n[targets.A]')
    (tmp_path / "campaign.toml").write_text(wrong)
    with pytest.raises(ConfigError, match=r"line \d+: \[library\] where .*'wieght'"):
        plan(tmp_path / "campaign.toml", "inline")


@pytest.mark.slow
def test_a_plan_says_which_share_is_left_and_what_asking_costs(campaign_text: str, tmp_path: Path) -> None:
    text = campaign_text.replace("[targets.A]", 'where = "heavy_atoms > 11"\n\n[targets.A]')
    (tmp_path / "campaign.toml").write_text(text)
    found = plan(tmp_path / "campaign.toml", "inline")
    assert found.rows == 400 and any("meet the conditions of [library]" in note for note in found.notes)
    assert found.steps["screen"].units < 2 * 400, "what is left out is not scored"
