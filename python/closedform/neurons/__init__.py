"""Neurons of trained networks as functions of their inputs."""
