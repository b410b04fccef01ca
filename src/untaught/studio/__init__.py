"""The studio: a local page on which the picture is seen forming.

The server (`server`, `jobs`, `pictures`, `forms`, `events`) imports neither torch nor NumPy; one warm process (`worker`) holds
the engine, decodes what comes in and encodes what is shown. `link` is the pipe between both.
"""
