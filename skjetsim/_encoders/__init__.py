"""How events become network inputs, and back."""
