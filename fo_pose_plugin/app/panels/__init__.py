"""Panels that are written in Python; those of the sample's modal are in ``app/editor``."""
