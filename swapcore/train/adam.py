"""Adam's constants (Kingma and Ba 2015), the same on every backend."""

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-7
