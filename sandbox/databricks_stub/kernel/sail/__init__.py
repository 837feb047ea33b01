"""The Sail engine: its server, and what a session needs so that notebooks written for Databricks run on it."""
