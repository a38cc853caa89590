"""The sample data: made-up raw files with the columns, the dirt and the signal of the real ones.

They also hold what the real files lack: repeat borrowers, several snapshots a customer, missing
months, duplicate, restated and late rows, customers without a profile, loans whose label window is
still open, and rows that no rule can save. No person or number in them is real.
May import contracts and base.
"""
