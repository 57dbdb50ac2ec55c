"""Language: models of text that train on the computer you have."""
