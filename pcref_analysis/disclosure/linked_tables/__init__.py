"""Counts that several tables share as linear constraints: feasible ranges, back-calculation, the solver."""
