"""Nets that are trained from pixels or fine-tuned: the networks in MindSpore, their inputs, and how they are fitted."""
