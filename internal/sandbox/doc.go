// Package sandbox is a local look-alike of Pulsedive: an account page that hands out API keys, the API with its limits and its oddities,
// faults on demand, a journal of what was asked, and made-up data. docs/sandbox.md says what it can do.
//
// The data is never stored. Every fact of an indicator is computed from the seed and the indicator's number, so a feed of ten million
// records needs no more memory than a feed of ten, and two sandboxes with the same seed answer alike. All names and addresses are those
// reserved for documentation (example.com, 192.0.2.0/24, 2001:db8::/32 …); texts in between are hostile on purpose: line breaks in banners,
// scripts in comments, formulas in cells, letters of many alphabets.
//
// A program gets a key as a person does: it posts the form of the account page and reads the key from the page that follows.
//
//	POST /account/keys        name=my+key&scope=read&scope=scan
//	303  /account?created=ID  which holds <code id="key">…</code> this once
package sandbox
