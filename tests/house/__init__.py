"""Rules the project sets itself. A failing test here names the rule and the place."""
