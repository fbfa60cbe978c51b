"""What families of operators share: operand rules, arithmetic, kernels' numbers, cases for tests."""
