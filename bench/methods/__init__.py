"""From names to methods: built-in ones, entry points and any function of the user's."""
