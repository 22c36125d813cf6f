"""Parts of `flowfacts mirror`: the key, the source bucket, the destination, the copying, the status. No Beam here."""
