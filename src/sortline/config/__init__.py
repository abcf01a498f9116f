"""Typed parameters: params.yaml checked against one schema a stage (the module of the stage's name)."""
