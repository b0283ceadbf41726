package main

// The script of a form runs on a shop's page: head, the form's settings as JSON, tail. After
// a Klaviyo form it asks for a sealed claim and shows a button, a QR code or both. It reads
// nothing but what the form said, in both spellings that Klaviyo has used, writes text only
// as text, styles only through the style object (a strict CSP allows that), and stays silent
// when anything fails.
const formScriptHead = `(function (set) {
  "use strict";
  var me = document.currentScript;
  if (!me || !window.fetch || !window.URLSearchParams) return;
  var claim = me.src.split("?")[0].replace(/\.js$/, "/claim");
  var only = set.form || me.getAttribute("data-form");
  var phone = /iPhone|Android|iPad|Mobile/.test(navigator.userAgent);
  var lang = (document.documentElement.lang || navigator.language || "").slice(0, 2).toLowerCase();
  var words = {
    ja: { title: "LINEでお知らせを受け取れます", button: "LINEと連携する", code: "スマートフォンのカメラで読み取ってください", close: "閉じる" },
    zh: { title: "透過LINE接收最新消息", button: "連結LINE", code: "請用手機相機掃描", close: "關閉" },
    th: { title: "รับข่าวสารทาง LINE", button: "เชื่อมต่อกับ LINE", code: "สแกนด้วยกล้องโทรศัพท์ของคุณ", close: "ปิด" },
    en: { title: "Get news on LINE", button: "Link with LINE", code: "Scan with your phone's camera", close: "Close" }
  };
  var texts = set.texts || {};
  var own = texts[lang] || (words[lang] ? {} : texts.en) || {};
  var usual = words[lang] || words.en;
  var asked = {};
  function word(name) { return own[name] || usual[name]; }
  function add(parent, tag, style, text) {
    var e = document.createElement(tag);
    e.style.cssText = style;
    if (text) e.textContent = text;
    parent.appendChild(e);
    return e;
  }
  function tell(what) {
    return fetch(claim, { method: "POST", body: what, credentials: "omit", referrerPolicy: "no-referrer" });
  }
  function show(answer) {
    var box = add(document.body, "div", "position:fixed;right:16px;bottom:16px;z-index:2147483647;padding:16px;" +
      "max-width:min(90vw,320px);border-radius:12px;background:#fff;color:#1b1f24;text-align:center;" +
      "box-shadow:0 2px 16px rgba(0,0,0,.3);font:16px/1.5 system-ui,sans-serif");
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", word("title"));
    add(box, "p", "margin:0 0 8px;font-weight:600", word("title"));
    if (set.show !== "qr" && (phone || set.show !== "both" || !answer.image)) button(box, answer);
    if (set.show !== "button" && !(set.show === "both" && phone)) code(box, answer);
    var close = add(box, "button", "margin-top:8px;min-height:44px;padding:0 12px;border:0;background:none;" +
      "color:inherit;font:inherit;text-decoration:underline;cursor:pointer", word("close"));
    close.type = "button";
    close.onclick = function () { box.remove(); };
    tell("shown=1").catch(function () {});
  }
  function button(box, answer) {
    var link = add(box, "a", "display:block;padding:12px 20px;border-radius:8px;background:#0b6e67;color:#fff;" +
      "text-decoration:none;font-weight:600", word("button"));
    link.href = answer.url;
    link.rel = "noreferrer";
  }
  function code(box, answer) {
    var image = add(box, "img", "display:block;width:200px;height:200px;margin:8px auto");
    image.src = answer.image;
    image.alt = word("code");
    add(box, "p", "margin:8px 0", word("code"));
    var link = add(box, "a", "color:#0b6e67", word("button"));
    link.href = answer.url;
    link.rel = "noreferrer";
  }
  window.addEventListener("klaviyoForms", function (e) {
    var d = e.detail || {}, data = d.metaData || {};
    if ((d.type !== "submit" && d.type !== "stepSubmit") || (only && d.formId !== only) || asked[d.formId]) return;
    var email = data.email || data.$email, number = data.phone_number || data.$phone_number;
    if (!email && !number) return;
    asked[d.formId] = true;
    var body = new URLSearchParams();
    if (email) body.set("email", email);
    if (number) body.set("phone", number);
    tell(body)
      .then(function (r) { return r.ok ? r.json() : null; })
      .then(function (answer) { if (answer && answer.url) show(answer); })
      .catch(function () {});
  });
})(`

const formScriptTail = `);
`
