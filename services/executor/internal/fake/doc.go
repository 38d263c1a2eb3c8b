// Package fake has in-memory stand-ins for storage, the catalog and the coordination store, for tests of the packages that
// work with them. They keep the contracts and nothing else: simple, slow, and easy to check against.
package fake
