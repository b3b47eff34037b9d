"""How near the record comes to what this machine can do: ratios against a limit or a peer, from one run."""
