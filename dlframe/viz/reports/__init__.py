"""Reports of runs: one page that can be mailed.

`source` gathers what is known of a run, `measured` what a model says of data, and each of the other
modules writes some sections of the page; `report` puts them together.
"""

__all__: list[str] = []
