"""Stage: vendor copies to Erasure. Decides what to ask next; never calls a deletion proven before it was read back."""
