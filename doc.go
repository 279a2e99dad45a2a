// Package sallyport holds the nouns of Sallyport and what makes them valid.
//
// A [Flow] is what a person activates: a [Source] that pulls records from a connector's endpoint, the [Dataset] that keeps them, and the
// [Destination]s that receive them. A [Credential] says how to get into one account of a connector; its secrets exist here only sealed.
// A [Run] is one execution of a source, a [Delivery] one execution of a destination, and what could not be taken is [Quarantined].
//
// No noun can hold a secret in the clear. The package imports nothing of this module.
package sallyport
