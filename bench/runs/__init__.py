"""Runs: from the images of a data set, through a method, to the records of a results folder."""
