"""What the verbs of `sortline` share."""
