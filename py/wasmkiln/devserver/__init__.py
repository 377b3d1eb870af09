"""What `serve.py` is made of: fetching, building and serving the page. Not part of the wheel.

progress → download → pyodide_core, default_model, wheel → site (all the files by URL) → server.
Everything here needs the standard library only, as it runs before anything is installed.
"""
