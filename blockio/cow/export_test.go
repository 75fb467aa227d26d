package cow

// PlantBug has o write tables before what they refer to is on the medium.
func PlantBug(o *Overlay) { o.plantedBug = true }

// Sizes of the format.
const (
	SlotSize    = slotSize
	HeaderBytes = headerBytes
)
