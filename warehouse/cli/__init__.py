"""The command line: one module a command.

Each has a `PURPOSE`, `add_options(command)` and `run(options, console) -> int`.

A command reads its arguments, calls the package that does the work and prints the result. To add
one, write its module and name it in `main.COMMANDS`. May import everything; nothing imports it.
"""
