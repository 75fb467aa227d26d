package cow

import (
	"runtime"
	"sync"
	"weak"

	"github.com/gohandoff/coroutine/blockio"
	"github.com/gohandoff/coroutine/blockio/internal/tree"
)

// standsOn reports whether a device is the storage, or stands on what that stands
// on: as a backing, an overlay would then show itself, and wait for itself.
func standsOn(device, storage *blockio.Device) bool {
	return device == storage || tree.Has(device.Driver(), storage.Driver())
}

// inUse has the storages that overlays stand on which can be changed, as
// weak.Pointer[blockio.Device]: it keeps none of them. An overlay closes its
// storage, so that none is ever free again.
var inUse sync.Map

// take enters a storage into inUse, and reports whether it was not there.
func take(storage *blockio.Device) bool {
	key := weak.Make(storage)
	if _, taken := inUse.LoadOrStore(key, true); taken {
		return false
	}
	runtime.AddCleanup(storage, func(key weak.Pointer[blockio.Device]) { inUse.Delete(key) }, key)
	return true
}

// taken reports whether a storage is in inUse.
func taken(storage *blockio.Device) bool {
	_, ok := inUse.Load(weak.Make(storage))
	return ok
}
