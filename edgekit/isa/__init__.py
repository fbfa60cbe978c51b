"""What each instruction set's kernels read: weights, biases and corrections packed for its tiles."""
