"""SMART App Launch 2.2 as a security office reads it: cases A1 to A30 by name, client requirements by id."""
