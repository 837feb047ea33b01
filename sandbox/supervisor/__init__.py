"""A daemon per sandbox: runs its services, restarts what crashes, and says so in state.json.

Only this package starts and stops service processes. `model` holds what is exchanged through files, `runner` looks
after one service, `ownership` finds processes by their marks, `__main__` is the daemon.
"""
