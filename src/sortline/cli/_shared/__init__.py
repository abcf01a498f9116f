"""What several verbs use, and the longer parts of one. Loaded whenever `sortline` starts: nothing heavy at the top."""
