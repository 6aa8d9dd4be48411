"""Tree decompositions of undirected graphs: found, checked, made nice, read and written."""
