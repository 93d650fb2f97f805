"""Layers that more than one family of networks uses."""
