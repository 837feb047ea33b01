"""Reads and writes the little SQL text that the bridges of the engines need; standard library only."""
