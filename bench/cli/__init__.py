"""The ``contourbench`` command: parse, call one function, print."""
