"""Ensembles of regression trees (Kazemi & Sullivan 2014): points in under a millisecond, in a few megabytes.

`detector` is the `Detector`; `cascade` holds the fitted trees as arrays, `training` grows them and `prediction` runs
them.
"""
