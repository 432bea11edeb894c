"""Docksieve: screen billions of molecules for the price of docking a few thousand.

The names below are the public face: users and the documentation call these and nothing deeper. They are loaded
when first used, so that ``import docksieve`` is instant and needs none of the heavy libraries. What each one is
stands in ``docs/api.md``; ``tests/public_names.txt`` holds their signatures.
"""

from __future__ import annotations

import importlib

# What type checkers take for true; ``typing`` itself would be half of the import's time.
TYPE_CHECKING = False
if TYPE_CHECKING:  # the same names as in _HOMES (a test compares them), for editors and type checkers
    from .data.errors import CampaignError as CampaignError
    from .data.errors import ConfigError as ConfigError
    from .data.errors import DockingError as DockingError
    from .data.errors import DocksieveError as DocksieveError
    from .data.errors import FormatError as FormatError
    from .data.errors import InputError as InputError
    from .data.errors import LibraryError as LibraryError
    from .data.errors import ModelError as ModelError
    from .data.errors import SiteError as SiteError
    from .data.libraries.build import build_library as build_library
    from .data.libraries.enumerate import enumerate_library as enumerate_library
    from .data.libraries.library import Library as Library
    from .data.libraries.settings import IngestSettings as IngestSettings
    from .data.molecules.parse import MoleculeError as MoleculeError
    from .data.molecules.standardise import StandardSettings as StandardSettings
    from .data.molecules.standardise import standard_smiles as standard_smiles
    from .data.readers.layout import ReadingSettings as ReadingSettings
    from .data.spaces.build import build_space as build_space
    from .data.spaces.space import Space as Space
    from .data.statistics import Interval as Interval
    from .data.statistics import bootstrap as bootstrap
    from .data.statistics import paired_difference as paired_difference
    from .data.statistics import r2 as r2
    from .data.statistics import rmse as rmse
    from .data.statistics import spearman as spearman
    from .hpc.dask_workers.cluster import DaskCluster as DaskCluster
    from .hpc.dask_workers.cluster import data_workers as data_workers
    from .hpc.dask_workers.cluster import open_dask as open_dask
    from .hpc.nodes.ranks import run_ranks as run_ranks
    from .hpc.sites.pool import Pool as Pool
    from .hpc.sites.read import load_site as load_site
    from .hpc.sites.site import Site as Site
    from .models.bundles.bundle import load_bundle as load_bundle
    from .models.bundles.bundle import save_bundle as save_bundle
    from .models.devices.device import DeviceError as DeviceError
    from .models.fingerprints import Features as Features
    from .models.fingerprints import featurise as featurise
    from .models.prediction import Prediction as Prediction
    from .models.regressors.registry import register_regressor as register_regressor
    from .models.regressors.regressor import FitContext as FitContext
    from .models.regressors.regressor import Regressor as Regressor
    from .models.settings import DmpnnSettings as DmpnnSettings
    from .models.settings import FingerprintSettings as FingerprintSettings
    from .models.settings import KernelSettings as KernelSettings
    from .models.settings import MlpSettings as MlpSettings
    from .models.settings import StudentSettings as StudentSettings
    from .models.settings import TeacherSettings as TeacherSettings
    from .models.settings import TreesSettings as TreesSettings
    from .models.students.accounting import ScreenResult as ScreenResult
    from .models.students.distill import distil_student as distil_student
    from .models.students.screen import screen_shard as screen_shard
    from .models.students.student import Student as Student
    from .models.teachers.teacher import Teacher as Teacher
    from .models.teachers.train import train_teacher as train_teacher
    from .models.teachers.training_data import TrainingData as TrainingData
    from .screening.acquisition.acquire import acquire as acquire
    from .screening.acquisition.functions import AcquisitionContext as AcquisitionContext
    from .screening.acquisition.stream import Acquired as Acquired
    from .screening.acquisition.stream import AcquisitionStream as AcquisitionStream
    from .screening.cuts.cut import Cut as Cut
    from .screening.cuts.cut import CutGoal as CutGoal
    from .screening.cuts.cut import CutPrice as CutPrice
    from .screening.cuts.cut import cut_price as cut_price
    from .screening.cuts.depth_model import modelled_cut as modelled_cut
    from .screening.cuts.order_statistics import choose_cut as choose_cut
    from .screening.metrics.bedroc import bedroc as bedroc
    from .screening.metrics.surface import EnrichmentSurface as EnrichmentSurface
    from .screening.metrics.surface import enrichment_surface as enrichment_surface
    from .screening.metrics.virtual_screening import bedroc_at as bedroc_at
    from .screening.metrics.virtual_screening import enrichment_factor as enrichment_factor
    from .screening.metrics.virtual_screening import matthews as matthews
    from .screening.metrics.virtual_screening import precision_at as precision_at
    from .screening.metrics.virtual_screening import ranking_summary as ranking_summary
    from .screening.metrics.virtual_screening import recall_at as recall_at
    from .screening.metrics.virtual_screening import top_k_found as top_k_found
    from .screening.queries.answer import FunnelStep as FunnelStep
    from .screening.queries.answer import HitAnswer as HitAnswer
    from .screening.queries.hit_table import HitTable as HitTable
    from .screening.queries.leaderboard_search import ScreenedHits as ScreenedHits
    from .screening.queries.leaderboard_search import screened_hits as screened_hits
    from .screening.queries.query import HitQuery as HitQuery
    from .screening.queries.terms import Selective as Selective
    from .screening.queries.terms import Window as Window
    from .screening.ranking.leaderboard import ScreenedSources as ScreenedSources
    from .screening.ranking.leaderboard import write_leaderboard as write_leaderboard
    from .screening.ranking.top_k import merge_histograms as merge_histograms
    from .screening.spaces.conditions import SpaceConditions as SpaceConditions
    from .screening.spaces.from_space import allowed_blocks as allowed_blocks
    from .screening.spaces.from_space import space_tables as space_tables
    from .screening.spaces.search import search_space as search_space
    from .workflows.auditing.audit import audit as audit
    from .workflows.campaign.campaign import Campaign as Campaign
    from .workflows.dashboard.serve import serve as serve
    from .workflows.deciding.decision import decide_campaign as decide_campaign
    from .workflows.hits.ask import ask as ask
    from .workflows.hits.compare import Comparison as Comparison
    from .workflows.hits.compare import compare as compare
    from .workflows.hits.tables import failures as failures
    from .workflows.hits.tables import hits as hits
    from .workflows.modelling.distil import DistilledModel as DistilledModel
    from .workflows.modelling.distil import distil_model as distil_model
    from .workflows.modelling.evaluate import Evaluation as Evaluation
    from .workflows.modelling.evaluate import evaluate_model as evaluate_model
    from .workflows.modelling.exchange import Parity as Parity
    from .workflows.modelling.exchange import compare_models as compare_models
    from .workflows.modelling.exchange import export_model as export_model
    from .workflows.modelling.learning_curve import ModelLearning as ModelLearning
    from .workflows.modelling.learning_curve import learning_curve as learning_curve
    from .workflows.modelling.predict import PredictedFile as PredictedFile
    from .workflows.modelling.predict import predict_file as predict_file
    from .workflows.modelling.show import show_model as show_model
    from .workflows.modelling.train import TrainedModel as TrainedModel
    from .workflows.modelling.train import train_model as train_model
    from .workflows.progress.stage import StageStatus as StageStatus
    from .workflows.progress.status import CampaignStatus as CampaignStatus
    from .workflows.progress.status import status as status
    from .workflows.progress.throughput import Throughput as Throughput
    from .workflows.progress.throughput import throughput as throughput
    from .workflows.report.report import write_report as write_report
    from .workflows.retraining.model_choice import ModelChange as ModelChange
    from .workflows.retraining.model_choice import drop_import as drop_import
    from .workflows.retraining.model_choice import use_import as use_import
    from .workflows.retraining.model_choice import use_model as use_model
    from .workflows.retraining.retrain import RetrainResult as RetrainResult
    from .workflows.retraining.retrain import retrain as retrain
    from .workflows.running.observer import Observer as Observer
    from .workflows.running.submit import load_campaign as load_campaign
    from .workflows.running.submit import submit as submit
    from .workflows.verifying.verify import verify as verify

_HOMES = {
    # A library of molecules
    "build_library": ".data.libraries.build",
    "enumerate_library": ".data.libraries.enumerate",
    "Library": ".data.libraries.library",
    "IngestSettings": ".data.libraries.settings",
    "StandardSettings": ".data.molecules.standardise",
    "standard_smiles": ".data.molecules.standardise",
    "ReadingSettings": ".data.readers.layout",
    # Spaces of products that are never written down
    "build_space": ".data.spaces.build",
    "Space": ".data.spaces.space",
    "SpaceConditions": ".screening.spaces.conditions",
    "allowed_blocks": ".screening.spaces.from_space",
    "space_tables": ".screening.spaces.from_space",
    "search_space": ".screening.spaces.search",
    # Teachers and students
    "load_bundle": ".models.bundles.bundle",
    "save_bundle": ".models.bundles.bundle",
    "Prediction": ".models.prediction",
    "DmpnnSettings": ".models.settings",
    "FingerprintSettings": ".models.settings",
    "KernelSettings": ".models.settings",
    "MlpSettings": ".models.settings",
    "StudentSettings": ".models.settings",
    "TeacherSettings": ".models.settings",
    "TreesSettings": ".models.settings",
    "distil_student": ".models.students.distill",
    "ScreenResult": ".models.students.accounting",
    "screen_shard": ".models.students.screen",
    "Student": ".models.students.student",
    "Teacher": ".models.teachers.teacher",
    "train_teacher": ".models.teachers.train",
    "TrainingData": ".models.teachers.training_data",
    # Models on files
    "DistilledModel": ".workflows.modelling.distil",
    "distil_model": ".workflows.modelling.distil",
    "Evaluation": ".workflows.modelling.evaluate",
    "evaluate_model": ".workflows.modelling.evaluate",
    "Parity": ".workflows.modelling.exchange",
    "compare_models": ".workflows.modelling.exchange",
    "export_model": ".workflows.modelling.exchange",
    "ModelLearning": ".workflows.modelling.learning_curve",
    "learning_curve": ".workflows.modelling.learning_curve",
    "PredictedFile": ".workflows.modelling.predict",
    "predict_file": ".workflows.modelling.predict",
    "show_model": ".workflows.modelling.show",
    "TrainedModel": ".workflows.modelling.train",
    "train_model": ".workflows.modelling.train",
    # A teacher of one's own
    "Features": ".models.fingerprints",
    "featurise": ".models.fingerprints",
    "register_regressor": ".models.regressors.registry",
    "FitContext": ".models.regressors.regressor",
    "Regressor": ".models.regressors.regressor",
    # What to dock, how much to keep
    "acquire": ".screening.acquisition.acquire",
    "AcquisitionContext": ".screening.acquisition.functions",
    "Acquired": ".screening.acquisition.stream",
    "AcquisitionStream": ".screening.acquisition.stream",
    "Cut": ".screening.cuts.cut",
    "CutGoal": ".screening.cuts.cut",
    "CutPrice": ".screening.cuts.cut",
    "choose_cut": ".screening.cuts.order_statistics",
    "cut_price": ".screening.cuts.cut",
    "modelled_cut": ".screening.cuts.depth_model",
    # How good a ranking is
    "Interval": ".data.statistics",
    "bootstrap": ".data.statistics",
    "paired_difference": ".data.statistics",
    "r2": ".data.statistics",
    "rmse": ".data.statistics",
    "spearman": ".data.statistics",
    "bedroc": ".screening.metrics.bedroc",
    "EnrichmentSurface": ".screening.metrics.surface",
    "bedroc_at": ".screening.metrics.virtual_screening",
    "enrichment_factor": ".screening.metrics.virtual_screening",
    "enrichment_surface": ".screening.metrics.surface",
    "matthews": ".screening.metrics.virtual_screening",
    "precision_at": ".screening.metrics.virtual_screening",
    "ranking_summary": ".screening.metrics.virtual_screening",
    "recall_at": ".screening.metrics.virtual_screening",
    "top_k_found": ".screening.metrics.virtual_screening",
    # Campaigns
    "audit": ".workflows.auditing.audit",
    "decide_campaign": ".workflows.deciding.decision",
    "verify": ".workflows.verifying.verify",
    "Campaign": ".workflows.campaign.campaign",
    "serve": ".workflows.dashboard.serve",
    "CampaignStatus": ".workflows.progress.status",
    "StageStatus": ".workflows.progress.stage",
    "status": ".workflows.progress.status",
    "Throughput": ".workflows.progress.throughput",
    "throughput": ".workflows.progress.throughput",
    "write_report": ".workflows.report.report",
    "ModelChange": ".workflows.retraining.model_choice",
    "drop_import": ".workflows.retraining.model_choice",
    "use_import": ".workflows.retraining.model_choice",
    "use_model": ".workflows.retraining.model_choice",
    "RetrainResult": ".workflows.retraining.retrain",
    "retrain": ".workflows.retraining.retrain",
    "Observer": ".workflows.running.observer",
    "load_campaign": ".workflows.running.submit",
    "submit": ".workflows.running.submit",
    # Questions to the hits
    "FunnelStep": ".screening.queries.answer",
    "HitAnswer": ".screening.queries.answer",
    "HitTable": ".screening.queries.hit_table",
    "ScreenedHits": ".screening.queries.leaderboard_search",
    "screened_hits": ".screening.queries.leaderboard_search",
    "HitQuery": ".screening.queries.query",
    "Selective": ".screening.queries.terms",
    "Window": ".screening.queries.terms",
    "ScreenedSources": ".screening.ranking.leaderboard",
    "write_leaderboard": ".screening.ranking.leaderboard",
    "merge_histograms": ".screening.ranking.top_k",
    "ask": ".workflows.hits.ask",
    "failures": ".workflows.hits.tables",
    "hits": ".workflows.hits.tables",
    "Comparison": ".workflows.hits.compare",
    "compare": ".workflows.hits.compare",
    # Where it runs
    "DaskCluster": ".hpc.dask_workers.cluster",
    "data_workers": ".hpc.dask_workers.cluster",
    "open_dask": ".hpc.dask_workers.cluster",
    "run_ranks": ".hpc.nodes.ranks",
    "Pool": ".hpc.sites.pool",
    "load_site": ".hpc.sites.read",
    "Site": ".hpc.sites.site",
    # Errors
    "CampaignError": ".data.errors",
    "ConfigError": ".data.errors",
    "DockingError": ".data.errors",
    "DocksieveError": ".data.errors",
    "FormatError": ".data.errors",
    "InputError": ".data.errors",
    "LibraryError": ".data.errors",
    "ModelError": ".data.errors",
    "SiteError": ".data.errors",
    "MoleculeError": ".data.molecules.parse",
    "DeviceError": ".models.devices.device",
}
"""Where each public name lives."""

__version__: str  # found when asked for, as all others
__all__ = ["__version__", *_HOMES]


if not TYPE_CHECKING:  # else a type checker would believe in any name

    def __getattr__(name: str) -> object:
        if name == "__version__":
            return importlib.import_module(".data.version", __name__).__version__
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(_HOMES[name], __name__), name)
        globals()[name] = value  # the next time it is found without asking here
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
