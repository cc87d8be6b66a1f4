"""Pages for the browser: the local server that serves them, and the parts that they share."""

__all__: list[str] = []
