"""Studies behind the numbers in results/: ablations, speed, growth, kills. Not part of an installation."""
