"""Builds the starter region: an invented county whose municipalities deliver as differently as real ones do."""
