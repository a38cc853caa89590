"""The command line: reads the arguments, calls the package that does the work, prints one line for an error.

May import everything.
"""
