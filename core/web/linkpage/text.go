package linkpage

// text holds the sentences of one language; {shop} is the merchant's name.
type text struct {
	askLink, link                        string
	askUnlink, unlink                    string
	linked, added, unlinked, inReview    string
	declined, tryAgain                   string
	noLongerWorks, noLongerWorksAnywhere string
	notYetFriend, addFriend              string
}

// texts are the pages' languages by their first two letters.
func texts() map[string]text {
	return map[string]text{"en": english(), "ja": japanese(), "zh": chinese(), "th": thai()}
}

func english() text {
	return text{
		askLink: "Link your LINE account with {shop}? {shop} can then send you news on LINE. " +
			"You can undo this any time.",
		link: "Link",
		askUnlink: "Unlink your LINE account from {shop}? {shop} will no longer send you personal " +
			"messages on LINE.",
		unlink:                "Unlink",
		linked:                "Linked. You can close this page.",
		added:                 "Thank you. You can close this page.",
		unlinked:              "Unlinked. You can close this page.",
		inReview:              "Thank you. {shop} checks the link and takes care of the rest.",
		declined:              "Nothing was linked. To link later, scan the code again.",
		tryAgain:              "LINE does not answer at the moment. Please scan the code again in a minute.",
		noLongerWorks:         "This link no longer works. Open the newest email from {shop} and try again.",
		noLongerWorksAnywhere: "This link no longer works. Open the newest email and try again.",
		notYetFriend:          "One step is left: add {shop} as a friend to get messages.",
		addFriend:             "Add friend",
	}
}

func japanese() text {
	return text{
		askLink: "{shop}とLINEアカウントを連携しますか?連携すると、{shop}からのお知らせをLINEで受け取れます。" +
			"いつでも解除できます。",
		link:                  "連携する",
		askUnlink:             "{shop}とLINEアカウントの連携を解除しますか?解除すると、お客様向けのお知らせはLINEに届かなくなります。",
		unlink:                "連携を解除する",
		linked:                "連携が完了しました。この画面は閉じて構いません。",
		added:                 "ありがとうございます。この画面は閉じて構いません。",
		unlinked:              "連携を解除しました。この画面は閉じて構いません。",
		inReview:              "ありがとうございます。連携内容を{shop}が確認します。",
		declined:              "連携は行われていません。連携する場合は、もう一度コードを読み取ってください。",
		tryAgain:              "現在LINEから応答がありません。しばらくしてから、もう一度コードを読み取ってください。",
		noLongerWorks:         "このリンクは使用できません。{shop}からの最新のメールを開き、もう一度お試しください。",
		noLongerWorksAnywhere: "このリンクは使用できません。最新のメールを開き、もう一度お試しください。",
		notYetFriend:          "お知らせを受け取るには、{shop}を友だち追加してください。",
		addFriend:             "友だち追加",
	}
}

func chinese() text {
	return text{
		askLink:               "要將您的LINE帳號與{shop}連結嗎?連結後,{shop}可透過LINE傳送最新消息給您。您隨時可以解除連結。",
		link:                  "連結",
		askUnlink:             "要解除您的LINE帳號與{shop}的連結嗎?解除後,您將不會再透過LINE收到專屬訊息。",
		unlink:                "解除連結",
		linked:                "連結完成。您可以關閉此頁面。",
		added:                 "謝謝您。您可以關閉此頁面。",
		unlinked:              "已解除連結。您可以關閉此頁面。",
		inReview:              "謝謝您。{shop}將確認連結內容。",
		declined:              "尚未連結。若要連結,請再次掃描條碼。",
		tryAgain:              "LINE目前沒有回應。請稍後再次掃描條碼。",
		noLongerWorks:         "此連結已失效。請開啟{shop}的最新電子郵件,再試一次。",
		noLongerWorksAnywhere: "此連結已失效。請開啟最新的電子郵件,再試一次。",
		notYetFriend:          "還差一步:請將{shop}加入好友,才能收到訊息。",
		addFriend:             "加入好友",
	}
}

func thai() text {
	return text{
		askLink: "ต้องการเชื่อมต่อบัญชี LINE ของคุณกับ {shop} หรือไม่ เมื่อเชื่อมต่อแล้ว {shop} " +
			"จะส่งข่าวสารถึงคุณทาง LINE ได้ คุณยกเลิกได้ทุกเมื่อ",
		link:                  "เชื่อมต่อ",
		askUnlink:             "ต้องการยกเลิกการเชื่อมต่อบัญชี LINE ของคุณกับ {shop} หรือไม่ คุณจะไม่ได้รับข้อความเฉพาะคุณทาง LINE อีก",
		unlink:                "ยกเลิกการเชื่อมต่อ",
		linked:                "เชื่อมต่อแล้ว คุณปิดหน้านี้ได้",
		added:                 "ขอบคุณ คุณปิดหน้านี้ได้",
		unlinked:              "ยกเลิกการเชื่อมต่อแล้ว คุณปิดหน้านี้ได้",
		inReview:              "ขอบคุณ {shop} จะตรวจสอบการเชื่อมต่อนี้",
		declined:              "ยังไม่ได้เชื่อมต่อ หากต้องการเชื่อมต่อ โปรดสแกนโค้ดอีกครั้ง",
		tryAgain:              "ขณะนี้ LINE ไม่ตอบสนอง โปรดสแกนโค้ดอีกครั้งในอีกสักครู่",
		noLongerWorks:         "ลิงก์นี้ใช้งานไม่ได้แล้ว โปรดเปิดอีเมลล่าสุดจาก {shop} แล้วลองอีกครั้ง",
		noLongerWorksAnywhere: "ลิงก์นี้ใช้งานไม่ได้แล้ว โปรดเปิดอีเมลล่าสุดแล้วลองอีกครั้ง",
		notYetFriend:          "เหลืออีกหนึ่งขั้นตอน: เพิ่ม {shop} เป็นเพื่อนเพื่อรับข้อความ",
		addFriend:             "เพิ่มเพื่อน",
	}
}
