"""Contours by convolutional neural fields fitted to one image, without labels; see `detect` for the detectors.

Nothing is imported here: torch is needed, and loaded, only with the module that is asked for.
"""
