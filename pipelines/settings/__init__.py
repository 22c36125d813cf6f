"""Options from a file and the environment, under those of the command line; derived from the commands' own parsers."""
