"""The suite: data sets, detectors, runs, tables and figures, and the ``contourbench`` command.

`cli` parses and prints; `runner` detects and scores a split; `store` is the format of a results folder; `report` and
`curves` read it back. Nothing else in the project opens a file.
"""
