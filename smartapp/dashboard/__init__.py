"""Findings for eyes: the pages of one launch."""

from smartapp.dashboard.chart import Chart, ShownFinding
from smartapp.dashboard.routes import blueprint

__all__ = ["Chart", "ShownFinding", "blueprint"]
