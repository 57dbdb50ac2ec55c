"""The network that knows series before it has seen any of the user's: features, model, training."""
