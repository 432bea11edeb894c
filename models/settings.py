"""Settings of surrogates: what a teacher and a student look like and how they are trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

FingerprintKind = Literal["morgan1", "morgan2", "morgan3", "pair", "torsion"]

SINCE = "since"
"""Metadata of a field: the bundle version that introduced it. In older bundles it is absent, and its default
is what they were made with, unless ``BEFORE`` says otherwise."""
BEFORE = "before"
"""Metadata of a field: what bundles older than it were made with."""


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True)
class FingerprintSettings:
    """Which count fingerprints and how they are hashed.

    Attributes
    ----------
    kinds : tuple of str
        ``morgan1``, ``morgan2``, ``morgan3`` (circular environments of radius 1, 2 and 3), ``pair`` (atom pairs),
        ``torsion`` (topological torsions).
    size : int
        Buckets that each kind is hashed into; a power of two. Large on purpose: counts are sparse.
    chirality : bool
        Whether stereochemistry enters the fingerprints; needs ``toolkit = "rdkit"``.
    toolkit : str
        ``compiled``: our own kernels, some thirty times as fast. ``rdkit``: RDKit's generators. The same features
        under other hashes; descriptors differ in two of thirteen.

    Examples
    --------
    >>> settings = docksieve.FingerprintSettings(kinds=("morgan2", "torsion"))
    >>> sorted(docksieve.featurise(["CC(=O)Nc1ccc(O)cc1"], settings).counts)
    ['morgan2', 'torsion']
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 -- read by pydantic, which is not imported here

    kinds: tuple[FingerprintKind, ...] = ("morgan1", "morgan2", "pair", "torsion")
    size: int = 65_536
    chirality: bool = False
    toolkit: Literal["compiled", "rdkit"] = field(default="compiled", metadata={SINCE: 3, BEFORE: "rdkit"})

    def __post_init__(self) -> None:
        _require(
            not self.chirality or self.toolkit == "rdkit",
            'fingerprints.chirality needs toolkit = "rdkit": the compiled fingerprints know no stereochemistry',
        )
        _require(len(self.kinds) > 0, "fingerprints.kinds must name at least one fingerprint")
        _require(len(set(self.kinds)) == len(self.kinds), "fingerprints.kinds names a fingerprint twice")
        _require(
            self.size >= 256 and self.size & (self.size - 1) == 0 and self.size <= 1 << 24,
            f"fingerprints.size must be a power of two from 256 to 16777216, not {self.size}",
        )


@dataclass(frozen=True)
class KernelSettings:
    """The min-max kernel Gaussian process.

    Attributes
    ----------
    max_exact : int
        Up to this many scored molecules the posterior is exact; beyond, it is approximated with
        ``inducing`` of them (projected process).
    inducing : int
        Inducing molecules of the approximation.
    selection_rows : int
        Molecules on which weights, length and noise are chosen by marginal likelihood.

    Examples
    --------
    >>> settings = docksieve.TeacherSettings(kernel=docksieve.KernelSettings(max_exact=3_000, inducing=1_500))
    >>> settings.kernel.selection_rows
    1000
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    max_exact: int = 6_000
    inducing: int = 3_000
    selection_rows: int = 1_000

    def __post_init__(self) -> None:
        _require(self.max_exact >= 10, f"kernel.max_exact must be at least 10, not {self.max_exact}")
        _require(self.inducing >= 10, f"kernel.inducing must be at least 10, not {self.inducing}")
        _require(self.selection_rows >= 10, "kernel.selection_rows must be at least 10")


@dataclass(frozen=True)
class MlpSettings:
    """The ensemble of fingerprint networks.

    Attributes
    ----------
    members : int
        Networks in the ensemble; their disagreement is part of the spread.
    width : int
        Units of each of the two hidden layers.
    buckets : int
        Inputs that all fingerprints together are folded into; a power of two.
    epochs : int
    batch_size : int
    learning_rate : float
    weight_decay : float
    dropout : float
        Share of hidden units dropped while training, in [0, 1).

    Examples
    --------
    >>> docksieve.TeacherSettings(kind="mlp", mlp=docksieve.MlpSettings(members=2, epochs=10)).mlp.width
    128
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    members: int = 4
    width: int = 128
    buckets: int = 4_096
    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    dropout: float = 0.2

    def __post_init__(self) -> None:
        _require(1 <= self.members <= 100, f"mlp.members must be from 1 to 100, not {self.members}")
        _require(1 <= self.width <= 8192, f"mlp.width must be from 1 to 8192, not {self.width}")
        _require(
            self.buckets >= 64 and self.buckets & (self.buckets - 1) == 0,
            f"mlp.buckets must be a power of two of at least 64, not {self.buckets}",
        )
        _require(self.epochs >= 1, f"mlp.epochs must be at least 1, not {self.epochs}")
        _require(self.batch_size >= 2, f"mlp.batch_size must be at least 2, not {self.batch_size}")
        _require(self.learning_rate > 0, "mlp.learning_rate must be positive")
        _require(self.weight_decay >= 0, "mlp.weight_decay must not be negative")
        _require(0 <= self.dropout < 1, f"mlp.dropout must be in [0, 1), not {self.dropout}")


@dataclass(frozen=True)
class TreesSettings:
    """The gradient-boosted trees.

    Attributes
    ----------
    members : int
        Boosters, each on its own share of the molecules; their disagreement is part of the spread.
    buckets : int
        Counts that all fingerprints together are folded into; a power of two.
    iterations : int
        Trees of each booster.
    leaves : int
        Most leaves of a tree.
    learning_rate : float
    features : float
        Share of the features that a split may choose from.
    subsample : float
        Share of the scored molecules that each booster sees.

    Examples
    --------
    >>> docksieve.TeacherSettings(kind="trees", trees=docksieve.TreesSettings(iterations=100)).trees.leaves
    15
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    members: int = 4
    buckets: int = 1_024
    iterations: int = 200
    leaves: int = 15
    learning_rate: float = 0.05
    features: float = 0.1
    subsample: float = 0.8

    def __post_init__(self) -> None:
        _require(1 <= self.members <= 100, f"trees.members must be from 1 to 100, not {self.members}")
        _require(
            64 <= self.buckets <= 65_536 and self.buckets & (self.buckets - 1) == 0,
            f"trees.buckets must be a power of two from 64 to 65536, not {self.buckets}",
        )
        _require(
            1 <= self.iterations <= 10_000, f"trees.iterations must be from 1 to 10000, not {self.iterations}"
        )
        _require(2 <= self.leaves <= 1024, f"trees.leaves must be from 2 to 1024, not {self.leaves}")
        _require(0 < self.learning_rate <= 1, "trees.learning_rate must be in (0, 1]")
        _require(0 < self.features <= 1, f"trees.features must be in (0, 1], not {self.features}")
        _require(0 < self.subsample <= 1, f"trees.subsample must be in (0, 1], not {self.subsample}")


@dataclass(frozen=True)
class DmpnnSettings:
    """The directed message-passing networks of chemprop.

    Attributes
    ----------
    members : int
        Networks in the ensemble; their disagreement is part of the spread.
    width : int
        Of messages and of the hidden layer.
    depth : int
        Steps of message passing.
    epochs : int
    batch_size : int
    learning_rate : float
        The highest of a one-cycle schedule.
    dropout : float
        Share of units dropped while training, in [0, 1).

    Examples
    --------
    >>> docksieve.TeacherSettings(kind="dmpnn", dmpnn=docksieve.DmpnnSettings(epochs=20)).dmpnn.width
    300
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    members: int = 2
    width: int = 300
    depth: int = 3
    epochs: int = 40
    batch_size: int = 50
    learning_rate: float = 1e-3
    dropout: float = 0.0

    def __post_init__(self) -> None:
        _require(1 <= self.members <= 100, f"dmpnn.members must be from 1 to 100, not {self.members}")
        _require(8 <= self.width <= 4096, f"dmpnn.width must be from 8 to 4096, not {self.width}")
        _require(1 <= self.depth <= 12, f"dmpnn.depth must be from 1 to 12, not {self.depth}")
        _require(self.epochs >= 1, f"dmpnn.epochs must be at least 1, not {self.epochs}")
        _require(self.batch_size >= 2, f"dmpnn.batch_size must be at least 2, not {self.batch_size}")
        _require(self.learning_rate > 0, "dmpnn.learning_rate must be positive")
        _require(0 <= self.dropout < 1, f"dmpnn.dropout must be in [0, 1), not {self.dropout}")


@dataclass(frozen=True)
class TeacherSettings:
    """The model that learns from docking scores.

    Attributes
    ----------
    kind : str
        ``kernel``, ``mlp``, ``trees``, ``dmpnn`` (needs the extra ``chemprop``), or ``auto``: all that are
        affordable, but for ``dmpnn``, mixed by weights found on held-out scores.
    fingerprints : FingerprintSettings
    kernel : KernelSettings
    mlp : MlpSettings
    folds : int
        Parts of the cross-validation that the report rests on.
    min_scores : int
        Fewest scored molecules a target needs.
    trees : TreesSettings
    dmpnn : DmpnnSettings
    auto_minutes : float
        What ``auto`` may cost: kinds that would exceed it, by an estimate that knows nothing but the number
        of scores and the settings, are left out. Minutes of one core.
    focus : str
        Whether scores worse than the median are drawn together before a teacher learns them
        (``docs/models.md``): ``auto`` (where held-out molecules of the better half are ranked
        better by it), ``always`` or ``never``. Predictions are then of drawn scores: near enough the docked ones
        where these are good, and the median or a little better for all that are bad.
    drop_failures : bool
        Whether values that many bad rows share exactly are taken for failed dockings and left out.

    Examples
    --------
    >>> docksieve.TeacherSettings().kind
    'kernel'
    >>> docksieve.TeacherSettings(folds=1)
    Traceback (most recent call last):
        ...
    ValueError: teacher.folds must be from 2 to 50, not 1
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    kind: Literal["kernel", "mlp", "trees", "dmpnn", "auto"] = "kernel"
    fingerprints: FingerprintSettings = field(default_factory=FingerprintSettings)
    kernel: KernelSettings = field(default_factory=KernelSettings)
    mlp: MlpSettings = field(default_factory=MlpSettings)
    folds: int = 5
    min_scores: int = 10
    trees: TreesSettings = field(default_factory=TreesSettings, metadata={SINCE: 2})
    dmpnn: DmpnnSettings = field(default_factory=DmpnnSettings, metadata={SINCE: 2})
    auto_minutes: float = field(default=60.0, metadata={SINCE: 2})
    focus: Literal["auto", "always", "never"] = field(default="auto", metadata={SINCE: 5, BEFORE: "never"})
    drop_failures: bool = field(default=True, metadata={SINCE: 5, BEFORE: False})

    def __post_init__(self) -> None:
        _require(2 <= self.folds <= 50, f"teacher.folds must be from 2 to 50, not {self.folds}")
        _require(self.auto_minutes >= 0, f"teacher.auto_minutes must not be negative: {self.auto_minutes}")
        _require(self.focus in ("auto", "always", "never"), f"teacher.focus: {self.focus!r} is not known")
        _require(self.min_scores >= 4, f"teacher.min_scores must be at least 4, not {self.min_scores}")


SIZES = ("tiny", "default", "wide")
"""Ready-made students: :meth:`StudentSettings.named`."""


@dataclass(frozen=True)
class StudentSettings:
    """The small network that sees the whole library.

    Attributes
    ----------
    ngram : int
        Longest run of SMILES bytes that counts as one feature (all lengths from 1 up are used).
    buckets : int
        Size of the hash table, and so of the embedding; a power of two.
    width : int
        Width of the embedding and of the hidden layers; a multiple of 8.
    layers : int
        Hidden layers after the embedding.
    spread : bool
        Whether the teacher's spread is distilled too.
    epochs : int
        At most this many passes over the labels.
    patience : int
        Training stops after this many epochs without a better held-out loss.
    batch_size : int
    learning_rate : float
    weight_decay : float
    held_out : float
        Share of the labelled molecules kept apart for early stopping and for the fidelity report.
    min_fidelity : float
        Least rank correlation (Spearman) with the teacher on held-out molecules; below it the report says
        that the student is not to be trusted with a narrow cut.
    min_recall : float
        The same for the recall of the teacher's best 5 % among the student's best 5 %.

    Examples
    --------
    >>> docksieve.StudentSettings().width
    128
    >>> docksieve.StudentSettings.named("tiny").width
    32
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012

    ngram: int = 6
    buckets: int = 4_096
    width: int = 128
    layers: int = 2
    spread: bool = True
    epochs: int = 10
    patience: int = 4
    batch_size: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    held_out: float = 0.1
    min_fidelity: float = field(default=0.9, metadata={SINCE: 2})
    min_recall: float = field(default=0.6, metadata={SINCE: 2})

    def __post_init__(self) -> None:
        _require(1 <= self.ngram <= 8, f"student.ngram must be from 1 to 8, not {self.ngram}")
        _require(
            64 <= self.buckets <= 1 << 20 and self.buckets & (self.buckets - 1) == 0,
            f"student.buckets must be a power of two from 64 to 1048576, not {self.buckets}",
        )
        _require(
            8 <= self.width <= 4096 and self.width % 8 == 0,
            f"student.width must be a multiple of 8 from 8 to 4096, not {self.width}",
        )
        _require(1 <= self.layers <= 8, f"student.layers must be from 1 to 8, not {self.layers}")
        _require(self.epochs >= 1, f"student.epochs must be at least 1, not {self.epochs}")
        _require(self.patience >= 1, f"student.patience must be at least 1, not {self.patience}")
        _require(self.batch_size >= 2, f"student.batch_size must be at least 2, not {self.batch_size}")
        _require(self.learning_rate > 0, "student.learning_rate must be positive")
        _require(self.weight_decay >= 0, "student.weight_decay must not be negative")
        _require(
            -1 <= self.min_fidelity <= 1, f"student.min_fidelity must be in [-1, 1]: {self.min_fidelity}"
        )
        _require(0 <= self.min_recall <= 1, f"student.min_recall must be in [0, 1], not {self.min_recall}")
        _require(0 < self.held_out <= 0.5, f"student.held_out must be in (0, 0.5], not {self.held_out}")

    @classmethod
    def named(cls, size: Literal["tiny", "default", "wide"]) -> StudentSettings:
        """Return a ready-made size: ``tiny`` for a laptop, ``wide`` for a GPU."""
        if size == "tiny":
            return cls(width=32, buckets=2_048, layers=1)
        return cls(width=512, buckets=16_384) if size == "wide" else cls()
