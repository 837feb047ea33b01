"""The classic Spark engine: a Spark Connect server in a Java process, and what its sessions need beyond that."""
