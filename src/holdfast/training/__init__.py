"""One training loop for every task of the package.

A task says what a batch and a loss are (`task.Task`), a plan how many steps and at which rates
(`plan.Plan`); `loop.train` does the rest. `budget.Budget` and `budget.steps_within` turn a length
of time into steps. Nothing is imported here, so that a budget can be read without loading torch.
"""
