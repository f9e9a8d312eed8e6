"""What generated files of the array API define for themselves, by functions of the standard."""
