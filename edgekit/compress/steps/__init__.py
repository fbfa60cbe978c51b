"""The kinds of steps that a recipe may have, one a file."""
