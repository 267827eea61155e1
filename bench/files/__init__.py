"""Single files: read and written whole, hashed; images, arrays, MATLAB files, predictions."""
