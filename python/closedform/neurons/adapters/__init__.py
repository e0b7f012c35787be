"""What `cf.network` reads: one module a framework, each making a `NeuronFunction` of a model.

Nothing here imports a framework before a model of that framework has come in.
"""
