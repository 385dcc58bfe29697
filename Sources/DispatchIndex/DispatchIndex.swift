// Dispatch
