"""Iterative proportional fitting: scale a table until it sums to every margin that is known."""

from __future__ import annotations

import pandas as pd


def rake(
    seed: pd.DataFrame, margins: list[tuple[list[str], pd.DataFrame]], tolerance: float = 1e-6, rounds: int = 500
) -> tuple[pd.DataFrame, int]:
    """Scale ``residents`` of ``seed`` until they sum to every margin; return them and the rounds it took.

    A margin is its key columns and a frame of them with ``residents``. A cell of the margin that the seed
    cannot fill (its cells are all zero) is left as it is and shows in the fit.

    Examples
    --------
    >>> seed = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1], "residents": [1.0, 1.0, 1.0, 2.0]})
    >>> one = pd.DataFrame({"a": [0, 1], "residents": [10, 20]})
    >>> other = pd.DataFrame({"b": [0, 1], "residents": [12, 18]})
    >>> raked, _ = rake(seed, [(["a"], one), (["b"], other)])
    >>> raked.groupby("b")["residents"].sum().round(3).tolist()
    [12.0, 18.0]
    """
    out = seed.copy()
    groups = [out.groupby(keys, sort=False).ngroup() for keys, _ in margins]
    targets = [
        out[keys].merge(table.groupby(keys, as_index=False)["residents"].sum(), on=keys, how="left")["residents"]
        for keys, table in margins
    ]
    values, done, change = out["residents"].astype(float), 0, tolerance
    while done < rounds and change >= tolerance:
        before = values
        for group, target in zip(groups, targets, strict=True):
            sums = values.groupby(group).transform("sum")
            values = values * (target.to_numpy() / sums.where(sums > 0)).fillna(1.0)
        done, change = done + 1, (values - before).abs().max()
    return out.assign(residents=values), done


def fit(name: str, made: pd.DataFrame, wanted: pd.DataFrame, keys: list[str]) -> dict:
    both = pd.concat(
        [made.groupby(keys)["residents"].sum().rename("made"), wanted.groupby(keys)["residents"].sum()], axis=1
    ).fillna(0.0)
    worst = (both["made"] - both["residents"]).abs().max()
    return {"margin": name, "cells": len(both), "people": both["residents"].sum(), "largest_difference": worst}
