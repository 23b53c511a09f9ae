"""Figures of README and docs that commands measure: what makes each, what it rests on, and how it is shown."""
