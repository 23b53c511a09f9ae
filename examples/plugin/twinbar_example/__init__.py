"""One of each kind of thing that a plug-in can add to Twinbar."""
