// SalesModel
