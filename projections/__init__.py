"""What the record means now: pure folds over published entries, and the auditor that replays them."""
