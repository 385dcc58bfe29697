// JobKinds
