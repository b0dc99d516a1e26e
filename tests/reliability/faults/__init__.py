"""The faults, one file for each group of them; their numbers are those of the catalogue."""
