"""Numbers from cells: pure functions, frames in and frames out; no disk, no globals."""
