"""Parts of `flowfacts land`: lines, files, the subscription, the status. Nothing here imports Beam."""
