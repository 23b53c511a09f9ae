"""The documentation as a site: ``make site``."""

project = "Twinbar"
author = "The Twinbar authors"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = project
# Headings have the anchors that GitHub gives them, so that links hold in both places.
myst_heading_anchors = 4
