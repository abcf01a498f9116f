"""Optimizers, schedules, losses, the loop; heads on Feature Maps, whole nets, fine-tuning."""
