package bench

var Scale = scale
