"""One run: inspect, land, build, test, publish, report.

May import everything but cli.
"""
