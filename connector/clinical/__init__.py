"""Pure words of medicine: drug names, numbers and units, negation. Used by several stages; knows no record's life."""
