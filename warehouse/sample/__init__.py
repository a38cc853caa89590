"""The sample data: made-up customers with the dirt of real files.

May import contracts and base.
"""
