"""Tests on engines that are processes of their own; see `make engines`."""
