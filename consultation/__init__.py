"""The public's turn to speak: what a comment is, where its text is kept, how both go in together."""
