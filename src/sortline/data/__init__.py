"""Photos from source to split; nothing here imports MindSpore."""
