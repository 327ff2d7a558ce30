"""What all tests share stands in modules beside this file (pytest puts this folder on the path).

Properties have no deadline by default: on a busy machine a slow example is not a broken promise.
"""

from hypothesis import settings

settings.register_profile("siaga", deadline=None)
settings.load_profile("siaga")
