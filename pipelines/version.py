"""The version of the installed distribution."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("flowfacts")
except PackageNotFoundError:  # a source tree that was not installed
    VERSION = "0+unknown"
