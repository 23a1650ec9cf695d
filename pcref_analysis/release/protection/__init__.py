"""What the door does behind the scenes: link, hide, round, work out again, attack."""
