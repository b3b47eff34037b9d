"""The embedded data set: the facts of Guatemala's 2014-2016 plan, with our own one-line summaries (README.md)."""
