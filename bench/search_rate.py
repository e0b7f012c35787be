"""placeholder"""


def run(**_):
    return []
