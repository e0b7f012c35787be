"""What `cf.network` reads: one module a framework, each turning a model into a `neuron.Target`.

Nothing here imports a framework before a model of that framework has come in.
"""
