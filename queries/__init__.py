"""What can be asked: one .rq file per question, read, described and bound here."""
