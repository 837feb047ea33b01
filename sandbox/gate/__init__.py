"""Whether a report allows a promotion: facts, checks, a verdict, and the evidence that goes with it."""
