"""What a sequence costs: recurrent layers against a Transformer layer of equal width, in both frameworks."""
