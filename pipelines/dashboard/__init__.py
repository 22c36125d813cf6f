"""The dashboard: pages over a warehouse, drawn on the server. No other command imports it, nor the web framework."""
