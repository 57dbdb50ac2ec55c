"""The generator of synthetic series, and the run that pretrains the networks which ship."""
