"""The benchmark models: ours beside the peers' frozen figures, and the budgets that tests hold."""
