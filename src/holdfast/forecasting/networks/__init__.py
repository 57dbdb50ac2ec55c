"""Networks trained on the user's series, and how they forecast as members of an ensemble."""
