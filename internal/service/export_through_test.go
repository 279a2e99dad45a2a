package service

// ExportThrough lets tests export through a folder of theirs.
var ExportThrough = (*Service).exportThrough
