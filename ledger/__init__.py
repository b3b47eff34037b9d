"""The record: what was said, by whom, in an order that nobody can change.

`tlog` holds the public log formats and nothing of our own; the modules beside it hold the statements,
their rules, their keeping and their checking. FORMAT.md gives every byte.
"""
