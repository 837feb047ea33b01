"""What the DAGs share: assets, settings, and the work of bringing a Stack Exchange dump into the bucket."""
