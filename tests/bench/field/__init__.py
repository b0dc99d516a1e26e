"""What measurements share: servers on one core, load on the other, rounds in turn, the table."""
