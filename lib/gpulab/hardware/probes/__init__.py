"""What is in this machine: each probe reads one thing through a `Host` and returns facts."""
