"""One campaign from its seed sample to its hits: the stages, in order."""

from __future__ import annotations

from ...data.spaces.source import MoleculeSource
from ...data.spaces.space import Space
from ...hpc.sites.site import Site
from ..campaign.campaign import Campaign
from ..campaign.ledger import round_name
from .pipeline import Pipeline, RunsStages
from .space_pipeline import SpacePipeline


def pipeline_of(campaign: Campaign, library: MoleculeSource, runner: RunsStages, site: Site) -> Pipeline:
    """Return the stages of a campaign on its library, or its space."""
    if isinstance(library, Space):
        return SpacePipeline(campaign, library, runner, site)
    return Pipeline(campaign, library, runner, site)


def walk(pipeline: Pipeline) -> None:
    """Go through every stage of the campaign of ``pipeline``, in order."""
    pipeline.filter()
    pipeline.sample()
    pipeline.dock("round-00", "screen")
    for number in range(1, pipeline.config.rounds.count + 1):
        name = round_name(number)
        pipeline.train(number)
        pipeline.label(name)
        pipeline.distil(name, number)
        pipeline.cut(name, number)
        pipeline.screen(name, number)
        pipeline.rank(name, number)
        pipeline.refine(name)
        pipeline.acquire(name, number)
        pipeline.dock(name, "screen")
    if pipeline.config.final.molecules:
        pipeline.select()
        pipeline.dock("final", "final")
    pipeline.hits()
