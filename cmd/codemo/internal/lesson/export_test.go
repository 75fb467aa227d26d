package lesson

// ChainInCycle names the callers of a coroutine that was entered by one of those
// that it has entered.
func ChainInCycle() string {
	reader := &tiny{name: "reader"}
	reader.caller = &tiny{name: "helper", caller: reader}
	return reader.chain()
}
