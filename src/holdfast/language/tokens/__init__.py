"""How text becomes tokens: characters, bytes, words, or pieces of words."""
