"""What runs in the engine's own interpreter: the process that forks kernels, and what notebooks find in them.

Never imported by the workspace: it has ipykernel and pyspark, which the workspace's interpreter lacks.
"""
