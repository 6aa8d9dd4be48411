"""The treewidth backend: states and tables, the plan that they follow, layers, and the search of patterns."""
