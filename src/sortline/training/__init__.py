"""Training by gradient steps: optimizers, schedules, losses, the loop; heads on Feature Maps; calibration."""
