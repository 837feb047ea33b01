"""What runs in the engine's own interpreter: the process that forks kernels, and what notebooks find in them.

The workspace imports nothing of it but `warehouse`: its interpreter lacks the ipykernel and pyspark that are here.
"""
