"""Pages: what Airflow's links open; plain HTML that needs no network."""
