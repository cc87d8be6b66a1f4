"""What everything else stands on and what knows no tensors: nests, hooks, lists of names."""
