"""Figures: one file a figure, drawn from results of experiments (`python -m paper_figs`)."""
