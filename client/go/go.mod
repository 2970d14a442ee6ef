module anchorage

go 1.19
