"""Video in, matte out: alpha, straight foreground colour, composite."""

__version__ = "0.1.0"
