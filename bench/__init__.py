"""Benchmarks on real servers. In: a name. Out: progress on stderr, one JSON line on stdout. Part of no test run."""
