"""The report's charts, as SVG, from arrays that the sections hand over."""
