"""The live half of an output: what the stream job writes under `live/`, and how it is read."""
