"""What a recurrent model remembers, for how long, and what of it reaches its output."""
