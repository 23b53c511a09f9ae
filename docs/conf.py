"""The documentation as a site: ``make site``."""

from pathlib import Path

project = "Twinbar"
author = "The Twinbar authors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = project
# Headings have the anchors that GitHub gives them, so that links hold in both places.
myst_heading_anchors = 4
# Pygments' lexer of IPython does not know shell commands that go on in the next line.
suppress_warnings = ["misc.highlighting_failure"]

# docs/api.md: what a class inherits from PyTorch or pydantic is theirs to document.
autodoc_default_options = {"members": True, "member-order": "bysource", "exclude-members": "elaborate, model_config"}
autodoc_typehints = "none"
autoclass_content = "class"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
# The ports of a component.
napoleon_custom_sections = [("Members", "params_style")]
# Docstrings quote names in single backticks.
default_role = "py:obj"

# The tutorials are notebooks as text, executed when the site is built: each in a folder of its own, with nothing of the
# checkout around it. What a notebook printed is kept until its text changes; `make docs-check` keeps nothing.
nb_execution_mode = "cache"
nb_execution_cache_path = str(Path(__file__).resolve().parent.parent / "build" / "notebooks")
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
