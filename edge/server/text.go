package server

import "strings"

// words are a page's sentences in one language; {shop} is filled in. Where no shop is known,
// the sentence of "anywhere" stands.
type words struct {
	tag          string // as HTML names the language
	gone         string
	goneAnywhere string
	missing      string
	toShop       string
	unavailable  string
	scan         string
}

func english() words {
	return words{tag: "en",
		gone:         "This link no longer works. Open the newest email from {shop} and try again.",
		goneAnywhere: "This link no longer works. Open the newest email and try again.",
		missing:      "This page does not exist.",
		toShop:       "Go to {shop}.",
		unavailable:  "This cannot be shown right now. Wait a moment and try again.",
		scan:         "Scan with your phone's camera.",
	}
}

func japanese() words {
	return words{tag: "ja",
		gone:         "このリンクは使用できません。{shop}からの最新のメールを開き、もう一度お試しください。",
		goneAnywhere: "このリンクは使用できません。最新のメールを開き、もう一度お試しください。",
		missing:      "ページが見つかりません。",
		toShop:       "{shop}のサイトへ",
		unavailable:  "ただいま表示できません。少し待ってからもう一度お試しください。",
		scan:         "スマートフォンのカメラで読み取ってください。",
	}
}

func chinese() words {
	return words{tag: "zh-TW",
		gone:         "此連結已失效。請開啟{shop}的最新電子郵件,再試一次。",
		goneAnywhere: "此連結已失效。請開啟最新的電子郵件,再試一次。",
		missing:      "找不到此頁面。",
		toShop:       "前往{shop}",
		unavailable:  "目前無法顯示。請稍候再試一次。",
		scan:         "請用手機相機掃描。",
	}
}

func thai() words {
	return words{tag: "th",
		gone:         "ลิงก์นี้ใช้งานไม่ได้แล้ว โปรดเปิดอีเมลล่าสุดจาก {shop} แล้วลองอีกครั้ง",
		goneAnywhere: "ลิงก์นี้ใช้งานไม่ได้แล้ว โปรดเปิดอีเมลล่าสุดแล้วลองอีกครั้ง",
		missing:      "ไม่พบหน้านี้",
		toShop:       "ไปที่ {shop}",
		unavailable:  "ยังแสดงหน้านี้ไม่ได้ โปรดรอสักครู่แล้วลองอีกครั้ง",
		scan:         "สแกนด้วยกล้องโทรศัพท์ของคุณ",
	}
}

// wordsFor picks the first language of the browser that we have, then the shop's.
func wordsFor(browser, shop string) words {
	for wish := range strings.SplitSeq(browser+","+shop, ",") {
		wish = strings.ToLower(strings.TrimSpace(wish))
		switch wish[:min(2, len(wish))] {
		case "en":
			return english()
		case "ja":
			return japanese()
		case "zh":
			return chinese()
		case "th":
			return thai()
		}
	}
	return english()
}
