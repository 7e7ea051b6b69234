"""HPG Recalibration Monitor: one finding, two faces, same evidence."""

__version__ = "0.1.0"
