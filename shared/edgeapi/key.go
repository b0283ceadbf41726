package edgeapi

// KeyKind is the kind of a key that only the host holds.
type KeyKind uint8

// The kinds of keys.
const (
	KeyLink    KeyKind = 1 // MAC of tracked links, 32 bytes, number = channel
	KeyOneOff  KeyKind = 2 // Ed25519 public key, number 0
	KeyState   KeyKind = 3 // AES-256-GCM of login states, number = channel
	KeyLINE    KeyKind = 4 // LINE channel secret, number = channel
	KeyFlow    KeyKind = 5 // SHA-256 of a flow key, number = channel
	KeyKlaviyo KeyKind = 6 // secret of Klaviyo system webhooks, number = account
	KeyShopify KeyKind = 7 // secret of a merchant's own Shopify app, number = shop
)

// KeyRef names a key: u8 kind<<56 | u16 key<<32 | u32 number. Key 0 = each valid key,
// newest first.
type KeyRef uint64

// Ref makes a key reference.
func Ref(kind KeyKind, key uint16, number uint32) KeyRef {
	return KeyRef(uint64(kind)<<56 | uint64(key)<<32 | uint64(number))
}

// Kind is what the key is for.
func (r KeyRef) Kind() KeyKind { return KeyKind(r >> 56) }

// Key is the key's own number, 0 = any valid one.
func (r KeyRef) Key() uint16 { return uint16(r >> 32) }

// Number is the channel, account or shop.
func (r KeyRef) Number() uint32 { return uint32(r) }
