module selvedge-bench

go 1.25
