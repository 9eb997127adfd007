"""What cached features save: an epoch through a frozen base against an epoch on stored features, in both frameworks."""
