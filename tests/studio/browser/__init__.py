"""Tests of the page in a real browser; a package, so that the browser is gone when they are over."""
