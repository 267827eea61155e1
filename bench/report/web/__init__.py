"""The parts of the HTML page that do not depend on results; `page` puts them together."""
