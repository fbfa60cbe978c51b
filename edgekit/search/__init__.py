"""Search for a recipe under a board's budget: trials of recipes, their Pareto front, the best one built."""
