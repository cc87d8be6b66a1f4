"""What a crash may leave on a disk: a recorder of calls, and a model of a file system."""
