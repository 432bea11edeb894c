"""The campaign file that ``docksieve init`` writes."""

from __future__ import annotations

import json
import re
import shlex

from ...data.errors import ConfigError
from .campaign_file import TARGET_NAME, parse_config
from .plain_mistakes import EXAMPLE

RECEPTOR = (
    f"{EXAMPLE}: a PDBQT file (`docksieve receptor prepare` makes one), or dockstring:EGFR for a first try"
)
"""What stands for the receptor until somebody writes their own: a campaign is not begun with it."""

TEMPLATE = """\
# A Docksieve campaign. Edit the receptor below, then:  docksieve submit {file}
# Every key has the value shown as its default, unless it says "required" or "advised". What begins with "#" may be left
# out; take the sign away to change it, also from the line in brackets above it.

[campaign]
name = {name:<21} # required; also the campaign's folder, beside this file
# folder = {name:<17} # another folder; relative names are beside this file
# seed = 1                   # same seed, same library, same settings: same hits; left out: from the names of
                             # campaign and targets, so that campaigns over one library dock other seed molecules

[library]
path = {library:<21} # required; a folder made by `docksieve library build`, `library enumerate` or `space build`
# where = "weight < 500 AND pains = ''"   # only molecules that meet this condition, as in `docksieve hits --where`
# has = ["[NX3][CX3]=O"]     # SMARTS that must match ...
# has_not = ["C#N"]          # ... and that must not
# no_alerts = ["pains"]      # catalogues of alerts of which none may match: pains, brenk, nih
# rules = ["lipinski"]       # or veber

# One section per target, under a name of yours; all of them are screened in one pass over the library.
[targets.{target}]
engine = "vina"              # required: "vina", "command" (any program) or "table" (scores in a file)
# required: the receptor
receptor = {receptor}
# box = {{ center = [10.0, 20.0, 30.0], size = [22.0, 22.0, 22.0] }}   # or a box file; else the one beside it
box_size = 22.0              # advised: sides in angstrom; a larger box costs time and quality
# search = "balanced"        # or fast, thorough, standard; `docksieve receptor tune` finds the cheapest good one
# final_search = "thorough"  # the same for the final docking
# conformers = 1             # start conformers docked per molecule; the best score counts
# final_conformers = 3
# poses = 1                  # poses kept per molecule
# final_poses = 3
# scoring = "vina"           # or vinardo
# spacing = 0.375            # of the grid, angstrom
# time_limit = 600.0         # seconds of one search

# [targets.{target}.ligand]     # how molecules are prepared, and what docking refuses: such molecules of the library
#                            # are left out from the start, and counted
# min_heavy_atoms = 6
# max_heavy_atoms = 100      # larger molecules are not docked
# max_torsions = 20          # nor are those with more rotatable bonds: a search explores too little for them
# elements = ["H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I"]
# protonate = false          # true: choose a protonation state at this pH
# ph = 7.4
# tautomer = "given"         # or canonical
# stereoisomers = 1          # open stereocentres: up to so many isomers are docked, the best counts
# strip_salts = true
# rigid_macrocycles = false
# embed_attempts = 30
# time_limit = 60.0          # seconds for the preparation of one molecule
# See docs/docking.md for other programs and score tables.

[start]                      # the seed sample, docked before there is a model
molecules = 300
method = "random"            # or "diverse" (MaxMin over a random pool)
sealed = 0.1                 # share of them never trained on: it judges the models

[rounds]                     # what is learnt, and how often
count = 2
labels = 30000               # molecules the teacher labels for the student
keep = "auto"                # share of the library that the student sends on; auto: what [cut] needs
dock = 100                   # molecules docked per target and round; [200, 100, 50]: in the first, the second ...
acquisition = "greedy"       # or ucb, ei, pi, thompson, uncertainty, random
# beta = 2.0                 # ucb: standard deviations added to the mean
# xi = 0.01                  # ei, pi: least improvement that counts
# epsilon = 0.0              # share of each batch drawn at random from the rest of the shortlist
# diversity = "none"         # or scaffold, maxmin: batches spread over scaffolds or fingerprint space
# avoid_failures = true      # values are discounted by the chance of a score, where dockings show what fails
# explore = 0.2              # share of a batch for scaffolds not docked yet, once batches have stopped improving
# aim = {{ pareto = ["A", "B"] }}     # an example: or selective, worst_over; these targets dock the same molecules

[cut]                        # what must not be lost, and what that may cost
recall = 0.95                # share of the best that is to be kept ...
best = 0.001                 # ... the best being this share of the library ...
confidence = 0.95            # ... with this probability
widest = 0.2                 # where the goal decides, the student keeps this share at most
sweep = 0                    # the last round docks all that the goal needs, at most so many per target; 0: no

# [teacher]                  # the surrogate that learns from docking scores
# kind = "kernel"            # or mlp, trees, dmpnn, auto (a weighted mean of several); docs/models.md
# folds = 5                  # parts of the cross-validation
# min_scores = 10            # fewest scored molecules that a target needs
# auto_minutes = 60.0        # what `auto` may cost, minutes of one core
# focus = "auto"             # or always, never: bad scores are drawn together where that ranks the good ones better
# drop_failures = true       # 0.0, 9999 and the like, shared by many bad rows, are no scores
# sources = []               # teachers of earlier campaigns to learn from: ["CAMPAIGN/models/round-05/teacher"]

# [student]                  # the small network that sees the whole library
# ngram = 6                  # longest run of SMILES characters that is one feature
# buckets = 4096             # size of its table; a power of two
# width = 128                # of its layers; `size = "tiny"` or "wide" stand for ready-made ones
# layers = 2
# spread = true              # predict the teacher's standard deviation too
# epochs = 10
# patience = 4               # stop after so many epochs without improvement
# batch_size = 256
# learning_rate = 0.002
# weight_decay = 0.01
# held_out = 0.1             # share of the labels kept apart to judge it
# min_fidelity = 0.9         # below this rank correlation with the teacher, more of the library is kept
# min_recall = 0.6           # the same for the recall of the teacher's best 5 %

# [factors]                  # in place of a student where the library is a combinatorial space (docs/spaces.md)
# rank = 32                  # length of the vectors of each pair of roles
# buckets = 8192             # of the fingerprints of building blocks; a power of two
# width = 128                # of its network
# epochs = 20
# batch_size = 2048
# learning_rate = 0.004
# most = 100000              # products of each target that are made and rescored, at most

[final]
molecules = 50               # the best of each target are docked again, more thoroughly; 0: none

# [decide]                   # criteria for `docksieve decide`: set them before the campaign begins
# threshold = -9.0           # required here: a hit scores at or beyond it; or {{ {target} = -9.0, OTHER = -8.0 }}
# hits = 1                   # so many of the next dockings must be hits; 0: no criterion
# improve = 0.0              # the best score must improve by so much; 0: no criterion
# go = 0.8                   # go on from this probability of success on ...
# stop = 0.1                 # ... and stop at this one or below; in between: ask for more dockings

[run]                        # how work is cut into tasks; no score depends on it
dock_batch = 10              # molecules per docking task; in the final docking fewer
predict_batch = 20000
# threads = 0                # of the training tasks; 0: the cores of the machine that first runs it
"""


def campaign_name(stem: str) -> str:
    """Return the name of a campaign whose file is called ``stem``: what a name may not hold becomes ``-``."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-._")[:64] or "campaign"


def campaign_template(
    name: str, library: str, file: str, receptor: str | None = None, target: str = "TARGET"
) -> str:
    """Return a commented campaign file; without a receptor it must be edited before :func:`parse_config` accepts it.

    Parameters
    ----------
    name : str
        Of the campaign.
    library : str
        Its folder, in any spelling that a file system allows.
    file : str
        Where the text will be written; only for the command in its first line.
    receptor : str, optional
        A PDBQT file, or ``dockstring:NAME``.
    target : str
        Name of the example target.

    Raises
    ------
    ConfigError
        If ``name`` or ``target`` is not a name, or a word cannot be written in TOML.
    """
    if not TARGET_NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a campaign.",
            "A name begins with a letter or digit and holds letters, digits, '.', '_' and '-', at most 64.",
        )
    if not TARGET_NAME.fullmatch(target) or "." in target:
        raise ConfigError(
            f"{target!r} cannot be the name of a target here.",
            "Give letters, digits, '_' and '-', a letter or digit first, at most 64.",
        )
    shown = "".join(letter if letter.isprintable() else "?" for letter in shlex.quote(file))
    words = {"name": _quoted(name), "library": _quoted(library), "file": shown, "target": target}
    # What must be edited is no mistake of this text: it is tried with a receptor in its place.
    parse_config(TEMPLATE.format(**words, receptor=_quoted(receptor or "dockstring:EGFR")), file)
    return TEMPLATE.format(**words, receptor=_quoted(receptor or RECEPTOR))


def _quoted(text: str) -> str:
    """Return ``text`` as a TOML string: as in JSON, but surrogates and DEL must be written otherwise."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{text!r} is not UTF-8 text, and a TOML file must be.", "Rename it.") from None
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
