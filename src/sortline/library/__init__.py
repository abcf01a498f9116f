"""The line's steps for programs: on arrays, without a project's files, and by scikit-learn's conventions."""
