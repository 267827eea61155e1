"""Segmentation of one image by clustering what a network makes of it."""
