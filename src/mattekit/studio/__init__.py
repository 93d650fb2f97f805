"""The studio: a session paints, propagates, previews, saves and exports; a server shows it as a local web page."""
