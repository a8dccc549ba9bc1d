"""The only place that knows the order of stages, the states of a visit and how each step is remembered."""
