"""What each operation of the dialects computes, in numpy."""
