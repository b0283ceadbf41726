package klaviyotest

import "encoding/json"

// Installed is an account together with the app that the demo connects to it.
type Installed struct {
	Account
	ClientID     string
	ClientSecret string
}

// App is Lumo's OAuth app.
func (i Installed) App() App {
	return App{ClientID: i.ClientID, ClientSecret: i.ClientSecret, Name: "Lumo"}
}

// DemoAccount is the demo shop's account and Lumo's app; all secrets are made up.
var DemoAccount = Installed{
	Account: Account{ID: "HnTeaX", Name: "Hana Tea", SenderEmail: "hello@hanatea.example",
		Website: "https://shop.hanatea.example", Timezone: "Asia/Tokyo", Currency: "JPY", Locale: "ja-JP",
		Country: "Japan", PrivateKey: "pk_HnTeaX_2b7d91c04e5f4a68a1c3d7e9f0b2468a"},
	ClientID:     "6f0a3c52-91d7-4a84-b7de-5a20c9f4e813",
	ClientSecret: "kYb0wZr3m8Qe1uVt7GdPxS5nLhA2cJf9",
}

// Ids of what the demo account holds.
const (
	DemoYuki     = "01JD2Q8Z5N6Y7XW3V4T2S1R0QA"
	DemoMio      = "01JD2Q8Z5N6Y7XW3V4T2S1R0QB"
	DemoKen      = "01JD2Q8Z5N6Y7XW3V4T2S1R0QC"
	DemoUnlinked = "01JD2Q8Z5N6Y7XW3V4T2S1R0QD" // a customer without LINE
	DemoFlow     = "AbCart"
	DemoList     = "NewsLt"
	DemoSegment  = "LineOk"
	DemoMetric   = "Checkout Started"
	DemoForm     = "WelcmF"
)

// demo fills an account: four customers, one of them without LINE, a list, a form, a segment, and a
// flow in draft that has a webhook without settings.
func (s *Server) demo(account string) {
	people := []Profile{
		{
			ID:        DemoYuki,
			Email:     "yuki@customer.example",
			Phone:     "+819012345601",
			FirstName: "Yuki",
			LastName:  "S.",
			Locale:    "ja-JP",
		},
		{
			ID:        DemoMio,
			Email:     "mio@customer.example",
			Phone:     "+819012345602",
			FirstName: "Mio",
			LastName:  "T.",
			Locale:    "ja-JP",
		},
		{ID: DemoKen, Email: "ken@customer.example", FirstName: "Ken", LastName: "I.", Locale: "en-US"},
		{
			ID:        DemoUnlinked,
			Email:     "rin@customer.example",
			FirstName: "Rin",
			LastName:  "A.",
			Locale:    "ja-JP",
		},
	}
	var ids []string
	for _, p := range people {
		p.Properties = map[string]any{"Favourite Tea": "Sencha"}
		made, err := s.AddProfile(account, p)
		if err == nil { // they are valid and different
			ids = append(ids, made.ID)
		}
	}
	_, _ = s.SetList(account, List{ID: DemoList, Name: "Newsletter", Members: ids})
	_, _ = s.SetSegment(
		account,
		Segment{ID: DemoSegment, Name: "LINE friends", Property: "LINE Consent",
			Operator: "equals", Value: "given"},
	)
	_, _ = s.SetForm(account, Form{ID: DemoForm, Name: "Welcome", List: DemoList})
	_, _ = s.SetFlow(account, Flow{ID: DemoFlow, Name: "Abandoned cart", Metric: DemoMetric,
		Actions: []Action{{ID: "101", Type: SendWebhook, Name: "LINE message"}}})
	_, _ = s.Happen(account, Happening{Profile: DemoYuki, Metric: DemoMetric, UniqueID: "demo-cart-1",
		Properties: DemoCart("demo-cart-1"), Backfill: true})
}

// DemoCart are the properties of a cart that somebody left, in the form of Shopify's
// integration.
func DemoCart(id string) map[string]any {
	return map[string]any{"$event_id": id, "$value": json.Number("5400"), "$currency_code": "JPY",
		"Items": []any{"Sencha", "Cup"}, "Collections": []any{}, "Item Count": json.Number("2"),
		"Discount Codes": []any{}, "Total Discounts": json.Number("0"), "Customer Locale": "ja-JP",
		"$extra": map[string]any{
			"checkout_url": "https://shop.hanatea.example/cart/" + id, "presentment_currency": "JPY",
			"line_items": []any{
				lineItem("Sencha", "sencha", 1, "3000"), lineItem("Cup", "cup", 2, "1200"),
			},
		}}
}

func lineItem(title, handle string, quantity int, price string) map[string]any {
	image := map[string]any{"src": "https://shop.hanatea.example/images/" + handle + ".jpg"}
	return map[string]any{
		"title":      title,
		"sku":        upper(handle),
		"quantity":   json.Number(itoa(quantity)),
		"price":      price,
		"line_price": json.Number(price),
		"variant_id": json.Number("1"),
		"product": map[string]any{"id": json.Number("1"), "title": title, "handle": handle,
			"images": []any{image}, "variant": map[string]any{"title": "Standard", "images": []any{image}}},
	}
}
