"""The subcommands of `sortline`, one module each with a `main(options) -> exit code`; loaded only when called."""
