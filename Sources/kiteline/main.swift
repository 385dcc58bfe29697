print("kiteline")
