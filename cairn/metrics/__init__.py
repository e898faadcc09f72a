"""Figures from arrays: one file a metric, each opening with its convention and where that was published.

Nothing in here knows our classes: points are ``(N, K, D)`` px with NaN for no coordinate, and a reference length is the
caller's to give and to print.
"""
