"""The invented Trust with planted gaps."""
