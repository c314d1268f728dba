"""The programs of AlphaPulse, one folder and one distribution each."""
