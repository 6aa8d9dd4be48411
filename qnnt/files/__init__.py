"""Reading and writing of the files that the package knows."""
