"""The word `data` of the command line: bars that were fetched, and those that are."""
