"""What all tests share stands in modules beside this file (pytest puts this folder on the path)."""
