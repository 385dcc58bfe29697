// JSONEnvelope
