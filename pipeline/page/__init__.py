"""The report as one HTML page that works without a network.

`graph.py` and `data.py` make the page's data, one JSON object. `assemble.py` puts it into
`page.html` with the style and the scripts of this folder, which draw it.
"""
