"""What a notebook reads, writes and expects, found by following its code without executing it."""
