"""How ``make docs`` turns these pages and the docstrings of the public names into ``build/docs``."""

import logging

from docksieve.data.version import __version__

project = "Docksieve"
copyright = "the Docksieve authors, MIT licence"
release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"Docksieve {release}"
html_copy_source = False

# The notebook is kept without what it shows: every build runs it, and a cell that fails is an error.
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_in_temp = True

myst_heading_anchors = 4  # "page.md#a-heading" leads to the heading, and a wrong one is an error
napoleon_google_docstring = False
# Attributes in a list, as parameters are, and not each as an entry of its own.
napoleon_custom_sections = [("Attributes", "params_style")]
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 100  # longer ones get a line per parameter

# A pattern of the table of contents may be ahead of the pages that it is for: no error, unlike all other warnings.
logging.getLogger("sphinx.sphinx.directives.other").addFilter(
    lambda record: "toctree glob pattern" not in str(record.msg)
)
