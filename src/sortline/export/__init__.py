"""The trained model as files for other programs, and the proof that they are the measured model."""
