"""Spark by its public interface: a fitting Java, a session, and work in a process of its own.

May import base.
"""
