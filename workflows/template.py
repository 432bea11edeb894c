"""The campaign file that ``docksieve init`` writes."""

TEMPLATE = """\
# A Docksieve campaign. Submit it with:  docksieve submit {file}
# Every key has the value shown as its default, unless it says "required".

[campaign]
name = "{name}"              # required; also the campaign's folder, beside this file
# folder = "{name}"          # another folder; relative names are beside this file
seed = 1                     # same seed, same library, same settings: same hits

[library]
path = "{library}"           # required; a folder made by `docksieve library build` or `enumerate`

# One section per target; all of them are screened in one pass over the library.
[targets.EGFR]
engine = "vina"              # required: "vina", "command" (any program) or "table" (scores in a file)
receptor = "dockstring:EGFR" # required: a PDBQT file, or a receptor of the dockstring package
# box = {{ center = [10.0, 20.0, 30.0], size = [22.0, 22.0, 22.0] }}   # or the name of a box file
box_size = 22.0              # sides of the box in angstrom; dockstring's own are 30, and cost time and quality
# search = "balanced"        # or fast, thorough, standard; `docksieve receptor tune` finds the cheapest good one
# See docs/docking.md for ligand preparation, other programs and score tables.

[start]                      # docked before there is a model
molecules = 300
method = "random"            # or "diverse" (MaxMin over a random pool)
sealed = 0.1                 # share of them never trained on: it judges the models

[rounds]                     # what is learnt, and how often
count = 2
labels = 30000               # molecules the teacher labels for the student
keep = 0.02                  # share of the library that the student sends on to the teacher
dock = 100                   # molecules docked per target and round
acquisition = "greedy"       # or ucb, ei, pi, thompson, uncertainty, random
# beta = 2.0                 # ucb: spreads added to the mean
# xi = 0.01                  # ei, pi: least improvement that counts

[final]
molecules = 50               # the best of each target are docked again, more thoroughly; 0: none

[run]                        # how work is cut into tasks; no score depends on it
dock_batch = 10
predict_batch = 5000
# threads = 0                # of the training tasks; 0: the cores of the machine that first runs it
"""


def campaign_template(name: str, library: str, file: str) -> str:
    """Return a commented campaign file."""
    return TEMPLATE.format(name=name, library=library, file=file)
