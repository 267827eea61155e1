"""Contours by neural fields: thesis, chapter 3, and what was found beyond it."""
