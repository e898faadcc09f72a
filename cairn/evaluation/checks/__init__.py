"""What a careful colleague looks for in labels: one kind of mistake a file, all called by `cairn.evaluation.check`."""
