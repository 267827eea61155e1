"""Data sets: where images and their ground truth come from."""
