"""Experiments: one file a question, one command (`python -m experiments`)."""
