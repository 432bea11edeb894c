"""The campaign file that ``docksieve init`` writes."""

from __future__ import annotations

import json
import re
import shlex

from ...data.errors import ConfigError
from .campaign_file import TARGET_NAME, parse_config

TEMPLATE = """\
# A Docksieve campaign. Submit it with:  docksieve submit {file}
# Every key has the value shown as its default, unless it says "required" or "advised".

[campaign]
name = {name:<21} # required; also the campaign's folder, beside this file
# folder = {name:<17} # another folder; relative names are beside this file
seed = 1                     # same seed, same library, same settings: same hits

[library]
path = {library:<21} # required; a folder made by `docksieve library build` or `enumerate`
# where = "weight < 500 AND pains = ''"   # only molecules that meet this condition, as in `docksieve hits --where`
# has = ["[NX3][CX3]=O"]     # SMARTS that must match ...
# has_not = ["C#N"]          # ... and that must not
# no_alerts = ["pains"]      # catalogues of alerts of which none may match: pains, brenk, nih
# rules = ["lipinski"]       # or veber

# One section per target; all of them are screened in one pass over the library.
[targets.EGFR]
engine = "vina"              # required: "vina", "command" (any program) or "table" (scores in a file)
receptor = "dockstring:EGFR" # required: a PDBQT file, or a receptor of the dockstring package
# box = {{ center = [10.0, 20.0, 30.0], size = [22.0, 22.0, 22.0] }}   # or the name of a box file
box_size = 22.0              # advised: sides in angstrom; dockstring's own are 30, and cost time and quality
# search = "balanced"        # or fast, thorough, standard; `docksieve receptor tune` finds the cheapest good one
# See docs/docking.md for ligand preparation, other programs and score tables.

# What docking refuses; molecules of the library that are beyond it are left out from the start, and counted.
# [targets.EGFR.ligand]
# min_heavy_atoms = 6
# max_heavy_atoms = 100
# max_torsions = 20          # rotatable bonds
# elements = ["H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I"]

[start]                      # docked before there is a model
molecules = 300
method = "random"            # or "diverse" (MaxMin over a random pool)
sealed = 0.1                 # share of them never trained on: it judges the models

[rounds]                     # what is learnt, and how often
count = 2
labels = 30000               # molecules the teacher labels for the student
keep = "auto"                # share of the library that the student sends on; auto: what [cut] needs
dock = 100                   # molecules docked per target and round
acquisition = "greedy"       # or ucb, ei, pi, thompson, uncertainty, random
# beta = 2.0                 # ucb: spreads added to the mean
# xi = 0.01                  # ei, pi: least improvement that counts
# epsilon = 0.0              # share of each batch drawn at random from the rest of the shortlist
# diversity = "none"         # or scaffold, maxmin: batches spread over scaffolds or fingerprint space
# avoid_failures = true      # values are discounted by the chance of a score, where dockings show what fails
# aim = {{ selective = ["EGFR", "OTHER"] }}   # or worst_over, pareto: these targets dock the same molecules

[cut]                        # what must not be lost, and what that may cost
recall = 0.95                # share of the best that is to be kept ...
best = 0.001                 # ... the best being this share of the library ...
confidence = 0.95            # ... with this probability
widest = 0.2                 # where the goal decides, the student keeps this share at most
sweep = 0                    # the last round docks all that the goal needs, at most so many per target; 0: no

# [teacher]
# focus = "auto"             # or always, never: bad scores are drawn together where that ranks the good ones better
# drop_failures = true       # 0.0, 9999 and the like, shared by many bad rows, are no scores

[final]
molecules = 50               # the best of each target are docked again, more thoroughly; 0: none

# [decide]                   # criteria for `docksieve decide`: set them before the campaign begins
# threshold = -9.0           # required here: a hit scores at or beyond it; or {{ EGFR = -9.0, OTHER = -8.0 }}
# hits = 1                   # so many of the next dockings must be hits; 0: no criterion
# improve = 0.0              # the best score must improve by so much; 0: no criterion
# go = 0.8                   # go on from this probability of success on ...
# stop = 0.1                 # ... and stop at this one or below; in between: ask for more dockings

[run]                        # how work is cut into tasks; no score depends on it
dock_batch = 10
predict_batch = 20000
# threads = 0                # of the training tasks; 0: the cores of the machine that first runs it
"""


def campaign_name(stem: str) -> str:
    """Return the name of a campaign whose file is called ``stem``: what a name may not hold becomes ``-``."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-._")[:64] or "campaign"


def campaign_template(name: str, library: str, file: str) -> str:
    """Return a commented campaign file that :func:`parse_config` accepts.

    Parameters
    ----------
    name : str
        Of the campaign.
    library : str
        Its folder, in any spelling that a file system allows.
    file : str
        Where the text will be written; only for the command in its first line.

    Raises
    ------
    ConfigError
        If ``name`` is not a name, or a word cannot be written in TOML.
    """
    if not TARGET_NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be the name of a campaign.",
            "A name begins with a letter or digit and holds letters, digits, '.', '_' and '-', at most 64.",
        )
    shown = "".join(letter if letter.isprintable() else "?" for letter in shlex.quote(file))
    text = TEMPLATE.format(name=_quoted(name), library=_quoted(library), file=shown)
    parse_config(text, file)
    return text


def _quoted(text: str) -> str:
    """Return ``text`` as a TOML string: as in JSON, but surrogates and DEL must be written otherwise."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{text!r} is not UTF-8 text, and a TOML file must be.", "Rename it.") from None
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
