"""What a reviewer can do: run notebooks again and compare, audit a published folder."""
