"""What a training will take: the dry run, estimates and benchmarks."""
